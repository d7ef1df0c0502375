import Synchronization
import WebAssemblyFormat

/// The second step of lifting: finds the relocations in the bodies of functions.
///
/// Bodies are independent of each other, and of what names mean. So the code of the units is divided into runs of
/// functions, one task each, which threads take when they have time; `LiftedRelocations` joins the runs in order.
final class CodeLifter: Sendable {
  /// A run of functions of one unit.
  struct Task: Sendable {
    let unit: InputModule
    let functions: Range<Int>
    /// Whether memory 0 of the unit becomes another memory of the result, so that accesses must name it.
    let movesMemory: Bool
    /// Code that is left out.
    let done: DoneCode
    /// Whether it computes with constants of the link.
    let folds: Bool
    /// Whether the result is an object, so that what the code means by slots has to be found out in any case.
    let isForObject: Bool
    /// Whether addresses may go into the offsets of accesses.
    let movesAddresses: Bool

    /// Tasks are taken by those that scan for the same: whether memory accesses are wanted is decided when the scanner
    /// is compiled, and whether places for ``CodeFolder`` are, when it starts.
    var row: Int { (movesMemory ? 1 : 0) + (folds ? 2 : 0) }

    fileprivate init(
      _ unit: InputModule, _ functions: Range<Int>, movesMemory: Bool, done: DoneCode, _ options: LinkOptions
    ) {
      self.unit = unit
      self.functions = functions
      self.movesMemory = movesMemory
      self.done = done
      folds = unit.lifted?.hasSymbolicGlobals == true
      isForObject = options.contract.isObject
      // It takes time, for code that is a little shorter.
      movesAddresses = options.optimizationLevel > 1 && !isForObject
    }
  }

  /// Tasks that are taken one after the other.
  private final class Row: Sendable {
    /// Their indices among all.
    let tasks: [Int]
    private let next = Atomic<Int>(0)

    init(_ tasks: [Int]) { self.tasks = tasks }

    /// The next one that nobody has taken.
    func take() -> Int? { tasks[checked: next.add(1, ordering: .relaxed).oldValue] }
  }

  /// What was found in a run of functions.
  struct Result: Sendable {
    var relocations: [Relocation] = []
    /// For each function of the run, its relocations among those of the run.
    var ranges: [RelocationRange] = []
    var assignedGlobals: Set<GlobalIndex> = []
    var needsTableBlock = false
    /// The first function, among those that the unit defines, that takes a slot that it has computed, and where.
    var computedSlot: (function: Int, offset: Int)?
    var namedFunctions: Set<SymbolIndex> = []
    /// Relocation functions that were read, but that code needs all the same.
    var neededFunctions: Set<FunctionIndex> = []
    var namesSegments = false
    var namedElements: Set<ElementIndex> = []
    var changedTables: Set<TableIndex> = []
    var grownTables: Set<TableIndex> = []
    var catching = CatchingFunctions()
    var error: FormatError?

    /// What was found since the last function began belongs to that.
    mutating func closeRange() {
      guard !ranges.isEmpty else { return }
      ranges[ranges.count - 1].end = UInt32(relocations.count)
    }
  }

  private let tasks: [Task]
  /// By ``Task/row``.
  private let rows: [Row]
  /// Where the tasks of each unit stand.
  private let places: [ObjectIdentifier: Range<Int>]
  /// By task.
  private let results: Locked<[Result?]>

  /// - Parameter units: the modules, and of each whether its memory 0 is another memory of the result.
  convenience init(_ units: [(unit: InputModule, movesMemory: Bool)], _ options: LinkOptions) {
    self.init(
      tasks: units.filter(\.unit.isLifted).flatMap { unit, movesMemory in
        let done = unit.lifted?.done ?? DoneCode()
        return CodeLifter.runs(of: unit).map { Task(unit, $0, movesMemory: movesMemory, done: done, options) }
      })
  }

  /// Some functions of a unit.
  ///
  /// - Parameter done: the code that is still left out.
  convenience init(
    _ unit: InputModule, functions: Range<Int>, movesMemory: Bool, done: DoneCode, _ options: LinkOptions
  ) {
    self.init(tasks: [Task(unit, functions, movesMemory: movesMemory, done: done, options)])
  }

  private init(tasks: [Task]) {
    self.tasks = tasks
    let byRow = Dictionary(grouping: tasks.indices) { tasks[$0].row }
    rows = (0..<4).map { Row(byRow[$0] ?? []) }
    var places: [ObjectIdentifier: Range<Int>] = [:]
    for (index, task) in tasks.enumerated() {
      let first = places[ObjectIdentifier(task.unit)]?.lowerBound ?? index
      places[ObjectIdentifier(task.unit)] = first..<index + 1
    }
    self.places = places
    results = Locked(Array(repeating: nil, count: tasks.count))
  }

  /// Divides the code of a unit into runs of about `bytes` bytes.
  static func runs(of unit: InputModule, bytes: UInt32 = 1 << 15) -> [Range<Int>] {
    let functions = unit.functions
    var runs: [Range<Int>] = []
    var start = 0
    while start < functions.count {
      // Bodies follow each other in the file, so most of them need no look.
      let wanted = UInt64(functions[start].body.start) + UInt64(bytes)
      let end = (start + 1..<functions.count).partitionPoint { functions[$0].body.start < wanted }
      runs.append(start..<end)
      start = end
    }
    return runs
  }

  var isEmpty: Bool { tasks.isEmpty }

  /// Works on tasks until all are taken. Any number of threads may do this at the same time.
  func work() {
    for row in rows.indices where !rows[row].tasks.isEmpty {
      if row & 1 == 0 { work(KeepsMemory.self, row) } else { work(MovesMemory.self, row) }
    }
  }

  private func work<Memory: MemoryPolicy>(_: Memory.Type, _ row: Int) {
    func visitor() -> CodeVisitor<Memory> { CodeVisitor(self, row: row) }
    var (first, second, third, fourth) = (visitor(), visitor(), visitor(), visitor())
    scanBodies(&first, &second, &third, &fourth, notesPlaces: row & 2 != 0)
    results.withLock { results in
      for finished in [first.finished, second.finished, third.finished, fourth.finished] {
        for (task, result) in finished { results[task] = result }
      }
    }
  }

  /// The next task of a row, with its index, which is the caller's alone.
  func take(row: Int) -> (index: Int, task: Task)? { rows[row].take().map { ($0, tasks[$0]) } }

  /// Whether a unit was gone through with that policy.
  func hasFound(in unit: InputModule, movesMemory: Bool) -> Bool { place(of: unit, movesMemory: movesMemory) != nil }

  private func place(of unit: InputModule, movesMemory: Bool) -> Range<Int>? {
    places[ObjectIdentifier(unit)].flatMap { tasks[$0.lowerBound].movesMemory == movesMemory ? $0 : nil }
  }

  /// What was found in a unit, in the order of its functions, for whoever asks first: it takes much memory. `nil` if the
  /// unit was not gone through with that policy.
  func take(foundIn unit: InputModule, movesMemory: Bool) -> [(functions: Range<Int>, result: Result)]? {
    guard let place = place(of: unit, movesMemory: movesMemory) else { return nil }
    return results.withLock { results in
      place.compactMap { task in results[task].take().map { (tasks[task].functions, $0) } }
    }
  }
}

/// Whether accesses to memory 0 are relocations, decided when the scanner is compiled.
protocol MemoryPolicy: SendableMetatype {
  static var isMoved: Bool { get }
}

enum MovesMemory: MemoryPolicy {
  static var isMoved: Bool { true }
}

enum KeepsMemory: MemoryPolicy {
  static var isMoved: Bool { false }
}
