import WebAssemblyFormat

// Where instructions went.
//
// Debug information asks this a million times, mostly for one place after the other. So the changes of all bodies of a unit
// are one row, in the order of the file, and of each body it is known where its changes begin; whoever asks keeps a cursor
// there. Offsets in the row are those in the file, and growth counts from where the body begins.

/// Where the instructions of all functions went, for debug information and everything else that tells places in code.
///
/// A class, so that cursors count one reference to it.
final class BodyMaps: Sendable {
  private let program: Program
  private let code: CodePlan
  /// By unit; `nil` for those whose code is not asked about: their bodies are taken for unchanged.
  private let units: [UnitBodies?]

  /// - Parameter units: those whose code is asked about, by index.
  init(_ program: Program, _ encoder: OperandEncoder, _ code: CodePlan, of units: [Bool], _ threads: Threads) {
    self.program = program
    self.code = code
    let asked = program.resolution.units.filter { units[Int($0.index)] }
    let parts = threads.mapRuns(of: asked.map(\.functions.count), length: UnitBodies.partLength) {
      UnitBodies.Part(asked[$0], $1, program, encoder, code)
    }
    let joined = threads.map(asked.count) { UnitBodies(joining: parts[$0]) }
    var all = [UnitBodies?](repeating: nil, count: units.count)
    for (unit, bodies) in zip(asked, joined) { all[Int(unit.index)] = bodies }
    self.units = all
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

  /// Answers about places in one function that mostly come in order.
  struct Cursor {
    private let maps: BodyMaps
    // Of the function that it is in.
    private var bodies: UnitBodies?
    private var part = 0
    private var changes: [UnitBodies.Change] = []
    private var range = 0..<0
    /// The first change that does not begin in front of the last place.
    private var next = 0
    private var start = 0
    private var position: Int?

    init(_ maps: BodyMaps) { self.maps = maps }

    /// Goes to a function, or to one that is not there.
    mutating func enter(_ position: Int?) {
      let reference = position.map { maps.program.indices.functions[$0] }
      if let reference, let bodies = maps.units[Int(reference.unit)] {
        enter(position, Int(reference.index), of: bodies)
      } else {
        self.position = position
        (range, next, start) = (0..<0, 0, 0)
      }
    }

    /// Goes to a function of a unit.
    ///
    /// - Parameters:
    ///   - position: among those of the result, if it is there.
    ///   - index: among those of the unit.
    @inline(__always)
    mutating func enter(_ position: Int?, _ index: Int, of bodies: UnitBodies) {
      self.position = position
      let part = index / UnitBodies.partLength
      if self.bodies !== bodies || part != self.part {
        (self.bodies, self.part) = (bodies, part)
        changes = bodies.changes[part]
      }
      range = bodies.changes(of: index)
      next = range.lowerBound
      start = Int(bodies.bodies[index].body)
    }

    /// Where a place is in the result; offsets count from the first byte of the body, or of its size where they are
    /// negative.
    @inline(__always)
    mutating func offset(of offset: Int) -> Int {
      if offset < 0 { return sizeOffset(or: offset) }
      if range.isEmpty { return position == nil ? offset : min(offset, 1 << 30) }
      // No body is as long as this; what claims to be behind it is not to be believed.
      let place = start &+ min(offset, 1 << 30)
      // Mostly it is near the last one.
      let near = 8
      if next < range.upperBound, Int(changes[next].old.lowerBound) < place {
        let last = min(next &+ near, range.upperBound)
        repeat { next &+= 1 } while next < last && Int(changes[next].old.lowerBound) < place
        if next == last { search(place, last..<range.upperBound) }
      } else if next > range.lowerBound, Int(changes[next &- 1].old.lowerBound) >= place {
        let first = max(next &- near, range.lowerBound)
        repeat { next &-= 1 } while next > first && Int(changes[next &- 1].old.lowerBound) >= place
        if next == first { search(place, range.lowerBound..<first) }
      }
      if next == range.lowerBound { return place &- start }
      return changes[next &- 1].position(of: place) &- start
    }

    private mutating func search(_ place: Int, _ range: Range<Int>) {
      next = range.partitionPoint { Int(changes[$0].old.lowerBound) < place }
    }

    /// Where the number that tells the body's size is.
    private func sizeOffset(or offset: Int) -> Int {
      guard let position else { return offset }
      return Int(maps.code.offsets[position]) - Int(maps.code.bodyOffsets[position])
    }
  }
}

/// The bodies of the functions of one unit, and what changes in them.
final class UnitBodies: Sendable {
  /// Where a function is in the file.
  struct Body {
    /// Where the number is that tells its size, where it begins behind that, and where it ends.
    var start: UInt32
    var body: UInt32
    var end: UInt32
    /// Its first change, among those of the same part.
    var change: UInt32
    /// Of the function among those of the result.
    var position: PackedIndex<OutputBodies>
  }

  /// Bytes that were replaced by another number of bytes.
  struct Change {
    var old: Range<UInt32>
    /// How much longer the body is behind them.
    var growth: Int32

    /// Where a byte is that is behind the first of them, and not behind another change. What began among them begins
    /// behind their replacement: an instruction that is left is found there.
    @inline(__always)
    func position(of place: Int) -> Int { max(place, Int(old.upperBound)) &+ Int(growth) }
  }

  let bodies: [Body]
  /// Of so many bodies each.
  fileprivate let changes: [[Change]]
  fileprivate static let partLength = 512
  /// The last body that begins in front of every so many bytes, or there.
  private let marks: [UInt32]
  private let firstStart: Int
  private static let markShift = 7

  fileprivate init(joining parts: ArraySlice<Part>) {
    var bodies: [Body] = []
    bodies.reserveCapacity(parts.reduce(0) { $0 + $1.bodies.count })
    for part in parts { bodies += part.bodies }
    changes = parts.map(\.changes)
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

  /// The changes of a body among those of its part.
  fileprivate func changes(of index: Int) -> Range<Int> {
    let next = index + 1
    let isLast = next == bodies.count || next % UnitBodies.partLength == 0
    return Int(
      bodies[index].change)..<(isLast ? changes[index / UnitBodies.partLength].count : Int(bodies[next].change))
  }

  /// The last body that begins at an offset in the file or in front of it, with the number that tells its size.
  @inline(__always)
  func index(at offset: Int) -> Int? {
    guard offset >= firstStart, !marks.isEmpty else { return nil }
    var index = Int(marks[min((offset &- firstStart) >> UnitBodies.markShift, marks.count &- 1)])
    while index &+ 1 < bodies.count, Int(bodies[index &+ 1].start) <= offset { index &+= 1 }
    return index
  }

  /// Some neighbouring functions.
  fileprivate struct Part: Sendable {
    var bodies: [Body] = []
    var changes: [Change] = []

    init(_ unit: Unit, _ range: Range<Int>, _ program: Program, _ encoder: OperandEncoder, _ code: CodePlan) {
      let (functions, patcher) = (unit.functions, Patcher(unit, encoder))
      bodies.reserveCapacity(range.count)
      for index in range {
        let function = functions[index]
        let position = program.position(of: unit.bases.function + index)
        bodies.append(
          Body(
            start: function.start, body: function.body.start, end: function.body.start + function.body.size,
            change: UInt32(changes.count), position: PackedIndex(position.map { Index($0) })))
        if let position, !code.arePatched[position] {
          patcher.addChanges(of: unit.body(ofFunction: index), length: patcher.codeLength, to: &changes)
        }
      }
    }
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
