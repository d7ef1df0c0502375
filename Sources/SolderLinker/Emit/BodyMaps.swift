import WebAssemblyFormat

// Where instructions went.
//
// Debug information asks this a million times, mostly for one place after the other. Measuring the code has found the changes
// of all bodies, each function's in a row (`CodePlan`); whoever asks keeps a cursor there. Offsets in the row are those in
// the file, and growth counts from where the body begins.

/// Where the instructions of all functions went, for debug information and everything else that tells places in code.
///
/// A class, so that cursors count one reference to it.
final class BodyMaps: Sendable {
  private let program: Program
  private let code: CodePlan
  /// By unit; `nil` for those whose code is not asked about: their bodies are taken for unchanged.
  private let units: [UnitBodies?]
  /// By position, of functions of units whose code was translated before: what changed since their file was written.
  private let translated: [Int: [BodyChange]]

  /// - Parameters:
  ///   - code: which has recorded changes.
  ///   - units: those whose code is asked about, by index.
  init(_ program: Program, _ code: CodePlan, of units: [Bool], _ threads: Threads) {
    self.program = program
    self.code = code
    let all = program.resolution.units
    self.units = threads.map(units.count) { units[$0] ? UnitBodies(all[$0], program) : nil }
    var translated: [Int: [BodyChange]] = [:]
    for (unit, bodies) in zip(all, self.units) {
      guard let bodies, let translation = unit.module.translation else { continue }
      for (index, body) in bodies.bodies.enumerated() {
        guard let position = body.position.index.map({ Int($0) }) else { continue }
        let changes = code.changes[position / CodePlan.partLength][code.changes(at: position)]
        translated[position] = translation.changes(of: index, unit.functions[index].body.start, changes)
      }
    }
    self.translated = translated
  }

  /// The bodies of a unit; `nil` for one whose code is not asked about.
  func bodies(of unit: Unit) -> UnitBodies? { units[Int(unit.index)] }

  /// The position of a function among those of the result; `nil` for one that is not there, or under another's name.
  func position(of function: FunctionID) -> Int? { program.position(of: function) }

  /// Where a place in a body is in the result; offsets count from the first byte of the body, or of its size where they
  /// are negative.
  func offset(of offset: Int, inFunctionAt position: Int?) -> Int {
    var cursor = Cursor(self)
    cursor.enter(position)
    return cursor.offset(of: offset)
  }

  /// Where the body of a function begins in the payload of the code section.
  func start(ofFunctionAt position: Int) -> Int { Int(code.bodyOffsets[position]) }

  /// The same of all functions.
  var starts: [UInt32] { code.bodyOffsets }

  /// Answers about places in one function that mostly come in order.
  struct Cursor {
    private let maps: BodyMaps
    // Of the function that it is in.
    private var part: Int?
    private var changes: [BodyChange] = []
    private var range = 0..<0
    /// The first change that does not begin in front of the last place.
    private var next = 0
    private var start = 0
    private var position: Int?
    /// Where the first change begins and the last one ends, and how much longer the body is behind that. A change of no
    /// bytes ends behind the byte that it stands in front of.
    private var ends = 0..<0
    private var growth = 0
    /// Behind what the last place was and up to where: the beginnings of the changes before and behind it. There, places
    /// are no earlier than the end of the change before, and are counted from elsewhere by so much.
    private var (lower, upper) = (Int.min, Int.max)
    private var (earliest, shift) = (Int.min, 0)
    /// No body is as long as this; what claims to be behind it is not to be believed.
    private var limit = Int.max

    init(_ maps: BodyMaps) { self.maps = maps }

    /// Goes to a function, or to one that is not there.
    mutating func enter(_ position: Int?) {
      let reference = position.map { maps.program.indices.functions[$0] }
      if let reference, let bodies = maps.units[Int(reference.unit)] {
        enter(position, bodies.bodies[Int(reference.index)])
      } else {
        self.position = position
        (range, start) = (0..<0, 0)
        begin()
      }
    }

    /// Goes to a function of a unit.
    ///
    /// - Parameters:
    ///   - position: among those of the result, if it is there.
    ///   - body: where it is in the file.
    @inline(__always)
    mutating func enter(_ position: Int?, _ body: UnitBodies.Body) {
      self.position = position
      start = Int(body.body)
      if let position, maps.translated.isEmpty {
        let part = position / CodePlan.partLength
        if part != self.part {
          self.part = part
          changes = maps.code.changes[part]
        }
        range = maps.code.changes(at: position)
      } else {
        take(changesOfTranslated: position)
      }
      begin()
    }

    /// The same, where functions may have been translated before.
    private mutating func take(changesOfTranslated position: Int?) {
      part = nil
      guard let position else {
        range = 0..<0
        return
      }
      if let changes = maps.translated[position] {
        self.changes = changes
        range = changes.indices
      } else {
        changes = maps.code.changes[position / CodePlan.partLength]
        range = maps.code.changes(at: position)
      }
    }

    /// Goes to where the function begins.
    @inline(__always)
    private mutating func begin() {
      (next, lower, earliest, shift) = (range.lowerBound, .min, .min, -start)
      limit = position == nil ? .max &- start : 1 << 30
      if range.isEmpty {
        upper = .max
      } else {
        let (first, last) = (changes[range.lowerBound], changes[range.upperBound &- 1])
        upper = Int(first.start)
        ends = upper..<max(Int(last.start) &+ 1, Int(last.end))
        growth = Int(last.growth)
      }
    }

    /// Where a place is in the result; offsets count from the first byte of the body, or of its size where they are
    /// negative.
    @inline(__always)
    mutating func offset(of offset: Int) -> Int {
      if offset < 0 { return sizeOffset(or: offset) }
      let place = start &+ min(offset, limit)
      return place > lower && place <= upper ? max(place, earliest) &+ shift : self.offset(at: place)
    }

    /// The same of a place in the file that is not between the same changes as the last one.
    private mutating func offset(at place: Int) -> Int {
      // Where a function begins and ends is asked for between other places, near which the cursor stays.
      if place <= ends.lowerBound { return place &- start }
      if place >= ends.upperBound { return place &+ growth &- start }
      // Mostly it is near the last one.
      let near = 16
      var index = next
      if place > upper {
        let last = min(index &+ near, range.upperBound)
        repeat { index &+= 1 } while index < last && Int(changes[index].start) < place
        if index == last { index = search(place, last..<range.upperBound) }
      } else {
        let first = max(index &- near, range.lowerBound)
        repeat { index &-= 1 } while index > first && Int(changes[index &- 1].start) >= place
        if index == first { index = search(place, range.lowerBound..<first) }
      }
      // It is behind the first change.
      let change = changes[index &- 1]
      next = index
      lower = Int(change.start)
      upper = index < range.upperBound ? Int(changes[index].start) : .max
      (earliest, shift) = (Int(change.end), Int(change.growth) &- start)
      return max(place, earliest) &+ shift
    }

    private func search(_ place: Int, _ range: Range<Int>) -> Int {
      range.partitionPoint { Int(changes[$0].start) < place }
    }

    /// Where the number that tells the body's size is.
    private func sizeOffset(or offset: Int) -> Int {
      guard let position else { return offset }
      return Int(maps.code.offsets[position]) - Int(maps.code.bodyOffsets[position])
    }
  }
}

/// Bytes of a body that give way to others.
struct BodyChange {
  /// Where they begin in the file, and end.
  var start: UInt32
  var end: UInt32
  /// How much longer the body is behind them.
  var growth: Int32

  /// Where a byte is that is behind the first of them, and not behind another change. What began among them begins
  /// behind their replacement: an instruction that is left is found there.
  @inline(__always)
  func position(of place: Int) -> Int { max(place, Int(end)) &+ Int(growth) }
}

/// Where the functions of one unit are in its file.
final class UnitBodies: Sendable {
  struct Body {
    /// Where the number is that tells its size, where it begins behind that, and where it ends.
    var start: UInt32
    var body: UInt32
    var end: UInt32
    /// Of the function among those of the result.
    var position: PackedIndex<OutputBodies>
  }

  let bodies: [Body]
  /// The last body that begins in front of every so many bytes, or there.
  private let marks: [UInt32]
  private let firstStart: Int
  private static let markShift = 7

  fileprivate init(_ unit: Unit, _ program: Program) {
    let (functions, translation) = (unit.functions, unit.module.translation)
    let bodies = functions.indices.map { index in
      let (start, body) = (functions[index].start, functions[index].body)
      let place =
        translation?.bodies[checked: index]
        ?? CodeTranslation.Body(start: start, body: body.start, end: body.start + body.size)
      let position = program.position(of: unit.bases.function + index)
      return Body(
        start: place.start, body: place.body, end: place.end, position: PackedIndex(position.map { Index($0) }))
    }
    firstStart = bodies.first.map { Int($0.start) } ?? 0
    var marks: [UInt32] = []
    if let last = bodies.last {
      let count = (Int(last.start) - firstStart) >> UnitBodies.markShift + 1
      marks.reserveCapacity(count)
      var index = 0
      for mark in 0..<count {
        let place = firstStart + mark << UnitBodies.markShift
        while index + 1 < bodies.count, Int(bodies[index + 1].start) <= place { index += 1 }
        marks.append(UInt32(index))
      }
    }
    self.bodies = bodies
    self.marks = marks
  }

  /// The last body that begins at an offset in the file or in front of it, with the number that tells its size.
  @inline(__always)
  func index(at offset: Int) -> Int? {
    guard offset >= firstStart, !marks.isEmpty else { return nil }
    var index = Int(marks[min((offset &- firstStart) >> UnitBodies.markShift, marks.count &- 1)])
    while index &+ 1 < bodies.count, Int(bodies[index &+ 1].start) <= offset { index &+= 1 }
    return index
  }
}

extension CodeTranslation {
  /// What changed in a body since its file was written.
  ///
  /// - Parameters:
  ///   - start: where the body begins since it was translated.
  ///   - changes: since then.
  fileprivate func changes(of function: Int, _ start: UInt32, _ changes: ArraySlice<BodyChange>) -> [BodyChange] {
    let begin = bodies[function].body
    guard let places = places[function] else {
      return changes.map {
        BodyChange(start: $0.start &- start &+ begin, end: $0.end &- start &+ begin, growth: $0.growth)
      }
    }
    var result: [BodyChange] = []
    var next = changes.startIndex
    var growth: Int32 = 0
    for place in places {
      let now = Int(start) + Int(place.new)
      while next < changes.endIndex, Int(changes[next].start) < now { next += 1 }
      let moved = next > changes.startIndex ? changes[next - 1].position(of: now) : now
      let total = Int32(truncatingIfNeeded: moved - Int(start) - Int(place.old))
      if total == growth { continue }
      growth = total
      // From the instruction itself on.
      let old = begin + place.old
      result.append(BodyChange(start: old - 1, end: old, growth: growth))
    }
    return result
  }
}

extension Program {
  /// The position of a function among those of the result; `nil` for one that is not there, or under another's name.
  @inline(__always)
  fileprivate func position(of function: FunctionID) -> Int? {
    guard let index = indices.functionIndices[function].index, index >= indices.importCounts.functions,
      !indices.folds.contains(function)
    else { return nil }
    return index - indices.importCounts.functions
  }
}
