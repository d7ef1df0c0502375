import WebAssemblyFormat

// What folding looks at of a body: the first of its three steps, see `CodeFolder.swift`.
//
// The scan has noted where the instructions stand that move values (`CodePlaces`), two thirds of all. Of these, most
// are about locals and numbers that have nothing to do with a base. So it is found first which locals may hold one: those
// to which a known global goes, plain or with a number added; and those to which such a local goes. Reads and
// assignments of these, known globals, what is computed right beside them, and, if there are such locals, blocks and
// branches, are what is left for the steps behind this one, which decode nothing any more.

/// One instruction that matters to folding, in sixteen bytes.
struct FlowStep {
  /// Offset in the file.
  let start: UInt32
  let length: UInt8
  /// Of a step with a local: its slot among those that are followed.
  let slot: UInt8
  /// Whether the step in front ends where this one begins, so that nothing happens between them.
  let isAdjacent: Bool
  /// All of these have opcodes of one byte.
  private let byte: UInt8
  /// The number of a constant, the index of a global, the label of a branch.
  let number: Int64

  /// An edit says in one byte how long it is.
  static let longestRun = 255

  var opcode: Opcode { Opcode(rawValue: UInt16(byte)) }
  var end: Int { Int(start) + Int(length) }
  var isNumber: Bool { opcode == .i32Const || opcode == .i64Const }
  var isSum: Bool { opcode == .i32Add || opcode == .i64Add }
  var isSumOrDifference: Bool { isSum || opcode == .i32Sub || opcode == .i64Sub }

  fileprivate init(_ byte: UInt8, _ place: Range<Int>, behind end: Int, slot: Int, number: Int64) {
    self.byte = byte
    self.slot = UInt8(truncatingIfNeeded: slot)
    self.number = number
    start = UInt32(truncatingIfNeeded: place.lowerBound)
    length = UInt8(truncatingIfNeeded: place.count)
    isAdjacent = place.lowerBound == end
  }
}

/// The steps of one body after the other, and the locals that are followed.
struct FlowSteps {
  /// An assignment of a local that is followed.
  struct Site {
    let slot: Int
    /// Which of those of this local, in the order of the code.
    let index: Int

    /// The bit that stands for it in a set of sites.
    var bit: UInt64 { index < FlowSteps.mostSites ? 1 << UInt64(index) : FlowSteps.other }
  }

  /// Parameters, the zero that a local begins with, and sites beyond those that have a bit of their own.
  static let other: UInt64 = 1 << 63
  static let mostSites = 63
  private static let mostLocals = 32

  private(set) var steps: [FlowStep] = []
  /// How many locals are followed.
  private(set) var localCount = 0
  /// The assignments of these, in the order of the code.
  private(set) var sites: [Site] = []
  /// For each loop and each block with handlers, in the order in which they begin: the sites inside.
  private(set) var regions: [Range<Int>] = []

  private let globals: [SymbolicValue?]
  private let classes = Class.all
  /// By the local's index: its slot.
  private var slots: [UInt8] = []
  private var siteCounts: [Int] = []
  /// The regions of the blocks that are open.
  private var open: [Int?] = []
  private var work = 0
  /// Where the last step ends, and the last that leaves a value.
  private var end = 0
  private var valueEnd = 0
  private(set) var body = InputFile.nothing

  /// - Parameter globals: what is known of each global of the index space.
  init(globals: [SymbolicValue?]) { self.globals = globals }

  /// Reads one body.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - relocations: those of the body.
  /// - Returns: `false` if it has instructions that are not followed.
  mutating func read(_ body: ByteReader, _ places: CodePlaces, _ relocations: ArraySlice<Relocation>) -> Bool {
    self.body = body
    for local in slots.indices { slots[local] = .max }
    localCount = 0
    for relocation in relocations where relocation.encoding == .constant32 || relocation.encoding == .constant64 {
      followAssignment(behind: relocation)
    }
    let count = localCount
    guard read(places, follows: true) else { return false }
    // What went to a local before it was known that it matters was passed over.
    return localCount == count || read(places, follows: false)
  }

  // MARK: Locals

  private func slot(ofLocal local: Int64) -> Int? {
    guard local < slots.count, slots[Int(local)] != .max else { return nil }
    return Int(slots[Int(local)])
  }

  private mutating func follow(_ local: Int64) -> Int? {
    if let slot = slot(ofLocal: local) { return slot }
    guard local < 4096, localCount < FlowSteps.mostLocals else { return nil }
    while slots.count <= Int(local) { slots.append(.max) }
    slots[Int(local)] = UInt8(localCount)
    localCount += 1
    return localCount - 1
  }

  /// Follows the local to which the value of a known global goes, or the sum of that and a number.
  private mutating func followAssignment(behind relocation: Relocation) {
    guard relocation.kind != .constantNumber else { return }
    var reader = body
    reader.offset = Int(relocation.offset) + Int(relocation.width)
    guard var opcode = try? reader.byte() else { return }
    if opcode == 0x41 || opcode == 0x42 {
      guard (try? reader.skipLEB(atMost: 10)) != nil, let next = try? reader.byte() else { return }
      opcode = next
    }
    if classes[Int(opcode)] == .sum, let next = try? reader.byte() { opcode = next }
    if opcode == 0x21 || opcode == 0x22, let local = try? reader.u32() { _ = follow(Int64(local)) }
  }

  /// Whether the steps right before an assignment compute something that may be known.
  private func isBaseAssigned(at offset: Int) -> Bool {
    func isBase(_ step: FlowStep) -> Bool {
      switch step.opcode {
      case .globalGet: globals[Int(step.number)].map { $0.base != .number } ?? false
      case .localGet, .localTee: true
      default: false
      }
    }
    guard let last = steps.last, last.end == offset else { return false }
    if isBase(last) { return true }
    guard last.isSumOrDifference, last.isAdjacent, steps.count >= 3 else { return false }
    let (left, right) = (steps[steps.count - 3], steps[steps.count - 2])
    return right.isAdjacent && (isBase(left) && right.isNumber || left.isNumber && isBase(right))
  }

  // MARK: Steps

  /// - Parameter follows: whether further locals may be followed.
  private mutating func read(_ places: CodePlaces, follows: Bool) -> Bool {
    steps.removeAll(keepingCapacity: true)
    sites.removeAll(keepingCapacity: true)
    regions.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
    for slot in siteCounts.indices { siteCounts[slot] = 0 }
    (end, valueEnd, work) = (0, 0, 0)
    for index in 0..<places.count {
      let place = places[index]
      let byte = body[place]
      let kind = classes[Int(byte)]
      do throws(FormatError) {
        switch kind {
        case .other: break
        case .local: try addLocal(byte, at: place, index, places, follows: follows)
        case .global:
          var reader = body[after: place]
          let global = Int(try reader.u32())
          if global < globals.count, globals[global] != nil {
            try addNumbers(before: index, places)
            add(byte, place..<reader.offset, number: Int64(global))
            valueEnd = end
          }
        case .number, .sum:
          // Only what stands right beside something known.
          if valueEnd == place {
            if kind == .sum { add(byte, place..<place + 1) } else { try addNumber(byte, at: place) }
            valueEnd = end
          }
        default:
          if localCount > 0, !(try addControl(kind, byte, at: place)) { return false }
        }
      } catch {
        return false
      }
    }
    return work <= 64 * places.count + 10_000
  }

  private mutating func add(_ byte: UInt8, slot: Int = 0, _ place: Range<Int>, number: Int64 = 0) {
    steps.append(FlowStep(byte, place, behind: end, slot: slot, number: number))
    end = place.upperBound
  }

  private mutating func addLocal(
    _ byte: UInt8, at place: Int, _ index: Int, _ places: CodePlaces, follows: Bool
  ) throws(FormatError) {
    var reader = body[after: place]
    let local = Int64(try reader.u32())
    var slot = slot(ofLocal: local)
    if slot == nil, follows, byte != 0x20, isBaseAssigned(at: place) { slot = follow(local) }
    guard let slot else { return }
    try addNumbers(before: index, places)
    add(byte, slot: slot, place..<reader.offset)
    if byte != 0x21 { valueEnd = end }
    guard byte != 0x20 else { return }
    while siteCounts.count <= slot { siteCounts.append(0) }
    sites.append(Site(slot: slot, index: siteCounts[slot]))
    siteCounts[slot] += 1
  }

  /// Adds the numbers that stand right in front of a step.
  private mutating func addNumbers(before index: Int, _ places: CodePlaces) throws(FormatError) {
    var first = index
    while first > 0 {
      let place = places[first - 1]
      guard place >= end, classes[Int(body[place])] == .number else { break }
      var reader = body[after: place]
      try reader.skipLEB(atMost: 10)
      guard reader.offset == places[first] else { break }
      first -= 1
    }
    for number in first..<index { try addNumber(body[places[number]], at: places[number]) }
  }

  private mutating func addNumber(_ byte: UInt8, at place: Int) throws(FormatError) {
    var reader = body[after: place]
    let number = byte == 0x41 ? Int64(try reader.s32()) : try reader.s64()
    add(byte, place..<reader.offset, number: number)
  }

  /// - Returns: `false` for an instruction that branches in a way that is not followed.
  private mutating func addControl(_ kind: Class, _ byte: UInt8, at place: Int) throws(FormatError) -> Bool {
    var reader = body[after: place]
    switch kind {
    case .opening: open.append(nil)
    case .region:
      open.append(regions.count)
      regions.append(sites.count..<sites.count)
    case .ending:
      if let region = open.popLast() ?? nil {
        regions[region] = regions[region].lowerBound..<sites.count
        work += regions[region].count + 8 * open.count
      }
    case .branch:
      add(byte, place..<place + 1, number: Int64(try reader.u32()))
      return true
    case .prefix:
      // br_on_cast, br_on_cast_fail.
      let number = try reader.u32()
      return number != 0x18 && number != 0x19
    case .unclear: return false
    default: break
    }
    add(byte, place..<place + 1)
    return true
  }
}

extension FlowSteps {
  /// What is to be done with an instruction.
  fileprivate enum Class: UInt8 {
    case other, local, global, number, sum
    /// A block, one that is entered or left in the middle, and the end of both.
    case opening, region, ending
    /// What goes elsewhere, with one label, without or with many.
    case branch, jump
    /// Stack switching, and the instructions of garbage collection.
    case unclear, prefix

    /// By the first byte.
    static let all: [Class] = (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x20...0x22: .local
      case 0x23: .global
      case 0x41, 0x42: .number
      case 0x6A, 0x6B, 0x7C, 0x7D: .sum
      case 0x02, 0x04: .opening
      case 0x03, 0x06, 0x1F: .region
      case 0x0B, 0x18: .ending
      case 0x0C, 0x0D, 0xD5, 0xD6: .branch
      // unreachable, else, catch, throw, rethrow, throw_ref, br_table, return, tail calls, catch_all.
      case 0x00, 0x05, 0x07...0x0A, 0x0E, 0x0F, 0x12, 0x13, 0x15, 0x19: .jump
      case 0xE0...0xE6: .unclear
      case 0xFB: .prefix
      default: .other
      }
    }
  }
}

extension ByteReader {
  /// A reader that stands behind the byte at an offset.
  fileprivate subscript(after offset: Int) -> ByteReader {
    var reader = self
    reader.offset = offset &+ 1
    return reader
  }
}
