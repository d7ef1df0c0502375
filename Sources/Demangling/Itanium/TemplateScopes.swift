/// The template parameters that `T_`, `T0_`, `TL0__`, … may stand for.
///
/// A level is a list of parameters: level 0 belongs to the innermost name with template arguments, further ones to
/// generic lambdas and template template parameters. Each encoding starts with levels of its own. All of this nests,
/// so every pool is a stack: a scope remembers the heights at its start and cuts back to them at its end.
struct TemplateScopes: ~Copyable {
  /// A list: consecutive elements of `parameters`. Not private, which the compiler (Swift 6.3, unoptimized) fails on.
  struct List: BitwiseCopyable {
    let start: Int
    var count: Int
  }

  /// What to restore at the end of a scope.
  struct Mark: BitwiseCopyable {
    fileprivate let parameters: Int
    fileprivate let lists: Int
    fileprivate let levels: Int
    fileprivate let firstLevel: Int
    fileprivate let outer: Int
  }

  private var parameters = Pool<NodeID>(capacity: 64)
  private var lists = Pool<List>(capacity: 16)
  /// Indices of lists, or -1 for a level that only holds the `auto` parameters of a lambda.
  private var levels = Pool<Int>(capacity: 16)
  /// Where the levels of the current encoding start.
  private var firstLevel = 0
  /// The list for the arguments of the current encoding's name.
  private var outer = 0

  mutating func removeAll() {
    parameters.removeAll()
    lists.removeAll()
    levels.removeAll()
    firstLevel = 0
    outer = 0
    lists.append(List(start: 0, count: 0))
  }

  var levelCount: Int { levels.count - firstLevel }

  /// Hides the current levels.
  mutating func enterEncoding() -> Mark {
    let mark = mark()
    firstLevel = levels.count
    outer = addList()
    return mark
  }

  mutating func leaveEncoding(_ mark: Mark) {
    levels.truncate(to: mark.levels)
    firstLevel = mark.firstLevel
    outer = mark.outer
    cut(to: mark)
  }

  /// Adds a level with an empty list, which it returns.
  mutating func enterLevel() -> (mark: Mark, list: Int) {
    let mark = mark()
    let list = addList()
    levels.append(list)
    return (mark, list)
  }

  mutating func leaveLevel(_ mark: Mark) {
    levels.truncate(to: mark.levels)
    cut(to: mark)
  }

  /// Forgets the levels of the current encoding.
  mutating func clearLevels() { levels.truncate(to: firstLevel) }

  /// Starts the arguments of the current encoding's name, which replace those of its scopes. Returns their list.
  mutating func startArguments() -> Int {
    clearLevels()
    parameters.truncate(to: lists[outer].start)
    lists[outer].count = 0
    levels.append(outer)
    return outer
  }

  mutating func dropLevel() {
    if levelCount > 0 { levels.truncate(to: levels.count - 1) }
  }

  mutating func addAutoLevel() { levels.append(-1) }

  /// Adds a parameter to a list; only the newest list can grow.
  mutating func append(_ parameter: NodeID, to list: Int) throws(MalformedName) {
    guard list < lists.count, lists[list].start + lists[list].count == parameters.count else { throw MalformedName() }
    parameters.append(parameter)
    lists[list].count += 1
  }

  /// The parameter with this number at this level, or nil.
  func parameter(level: UInt64, index: UInt64) -> NodeID? {
    guard level < UInt64(levelCount) else { return nil }
    let list = levels[firstLevel + Int(level)]
    guard list >= 0, list < lists.count, index < UInt64(lists[list].count) else { return nil }
    let place = lists[list].start + Int(index)
    return place < parameters.count ? parameters[place] : nil
  }

  private mutating func addList() -> Int {
    lists.append(List(start: parameters.count, count: 0))
    return lists.count - 1
  }

  private func mark() -> Mark {
    Mark(
      parameters: parameters.count, lists: lists.count, levels: levels.count, firstLevel: firstLevel, outer: outer)
  }

  private mutating func cut(to mark: Mark) {
    parameters.truncate(to: mark.parameters)
    lists.truncate(to: mark.lists)
  }
}
