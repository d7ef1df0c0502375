import WebAssemblyFormat

// What folding looks at of a body: the first of its three steps, see `CodeFolder.swift`.
//
// The scan has reported the reads of globals to which numbers are added, or which go to a local, and has noted where the
// instructions stand that read and write locals (`CodePlaces`), a third of all. Nearly all of these are about locals that
// have nothing to do with a base. So it is found first which locals may hold one: those to which a known value goes, of a
// global, or of such a local, plain or with numbers added. Then the places are sifted, without a branch that the processor
// cannot foresee, for reads and assignments of these locals; only what is left is decoded, and the steps behind this one
// decode nothing any more. A body that keeps no base in a local needs no look at its places at all.
//
// Blocks and branches matter only if some assignment stands inside of a block. If none does, each assignment reaches all
// code behind it, up to the next one, and none in front, so that the order of the code is all there is to know.

/// One instruction that matters to folding, with the numbers that are added to its value right there, in sixteen bytes.
struct FlowStep {
  /// Offset of the instruction in the file.
  let start: UInt32
  /// The slot of a local among those that are followed, the index of a global, the label of a branch.
  let operand: UInt32
  /// The sum of the numbers that are added.
  fileprivate(set) var addend: Int32 = 0
  /// The opcode, of one byte.
  private let byte: UInt8
  private let length: UInt8
  /// How many bytes in front and behind belong to the sum.
  fileprivate var leadLength: UInt8 = 0
  fileprivate var tailLength: UInt8 = 0

  /// An edit says in one byte how long it is.
  static let longest = 255

  init(_ byte: UInt8, _ place: Int, end: Int, operand: UInt32) {
    self.byte = byte
    start = UInt32(truncatingIfNeeded: place)
    length = UInt8(truncatingIfNeeded: end - place)
    self.operand = operand
  }

  var opcode: Opcode { Opcode(rawValue: UInt16(byte)) }
  var slot: Int { Int(operand) }
  /// The instruction alone.
  var range: Range<Int> { Int(start)..<Int(start) + Int(length) }
  /// The whole sum.
  var sum: Range<Int> { Int(start) - Int(leadLength)..<Int(start) + Int(length) + Int(tailLength) }
  /// Whether it leaves a value on the stack.
  var isValue: Bool { (0x20...0x23).contains(byte) && byte != 0x21 }
  /// Whether nothing is added to it.
  var isPlain: Bool { leadLength | tailLength == 0 }
  /// Whether it sets a local.
  fileprivate var isAssignment: Bool { byte == 0x21 || byte == 0x22 }
}

/// The steps of one body after the other, and the locals that are followed.
struct FlowSteps {
  /// An assignment of a local that is followed.
  struct Site {
    let slot: Int
    /// Which of those of this local that may set something known, in the order of the code.
    let index: Int
    /// The bit that stands for it in a set of sites; where bits are followed, those of what it sets.
    let bits: UInt64

    init(_ slot: Int, _ index: Int) {
      (self.slot, self.index) = (slot, index)
      bits = index < FlowSteps.notFollowed ? 1 << UInt64(index) : FlowSteps.other
    }

    init(_ slot: Int, bits: UInt64) { (self.slot, index, self.bits) = (slot, FlowSteps.notFollowed, bits) }

    /// Whether it has a bit of its own.
    var isFollowed: Bool { index < FlowSteps.notFollowed }
  }

  /// A choice between two numbers that is added to a value: `value; a; b; condition; select; add`. It is the choice between
  /// two sums, and if these are known, nobody has to add any more.
  struct Choice {
    /// The two instructions that push the numbers; the value ends where the first begins.
    let ranges: (Range<Int>, Range<Int>)
    let numbers: (Int32, Int32)
    /// The addition, of one byte.
    let addition: Int
  }

  /// Parameters, the zero that a local begins with, and sites that set something unknown or for which no bit is left.
  static let other: UInt64 = 1 << 63
  private static let notFollowed = 63
  /// How many instructions a choice may take.
  private static let longestChoice = 32
  private static let mostLocals = 32
  /// Locals from here on are not followed.
  private static let localLimit = 4096
  /// How often further locals are found, by way of those found before.
  private static let mostRounds = 4

  var steps = ReusedRow<FlowStep>()
  /// Those that were there before others are put among them.
  private var others = ReusedRow<FlowStep>()
  /// Those of them that read a global.
  private(set) var globalSteps = ReusedRow<FlowStep>()
  /// The assignments of locals that are followed, in the order of the code.
  private(set) var sites: [Site] = []
  /// For each loop and each block with handlers, in the order in which they begin: the sites inside.
  private(set) var regions: [Range<Int>] = []
  /// What is chosen and added to values of steps, in the order of the code; and what of it to reads of globals.
  private(set) var choices: [Choice] = []
  private var globalChoices: [Choice] = []
  /// The same of accesses with an index, and the locals that have to be followed for it.
  var accesses: [IndexedAccess] = []
  private var globalAccesses: [IndexedAccess] = []
  var indexLocals: [UInt32] = []
  private(set) var body = InputFile.nothing
  /// How many locals are followed.
  var localCount: Int { locals.count }

  let unit: InputModule
  /// The file of the bodies.
  let file: ByteReader
  private let globals: [SymbolicValue?]
  private let followsBits: Bool
  let notesAccesses: Bool
  private let classes = Class.all
  private var locals = ReusedRow<UInt32>()
  /// The step of ``globalSteps`` whose value goes to the first of them.
  private var source = 0
  /// By the local's index: its slot.
  private var slots = [UInt8](repeating: .max, count: FlowSteps.localLimit)
  private var siteCounts = [Int](repeating: 0, count: FlowSteps.mostLocals)
  /// By the first byte of a local's index: 1 if it may be one that is followed.
  private var wantedLocals = [UInt8](repeating: 0, count: 0x80) + [UInt8](repeating: 1, count: 0x80)
  private var picked = CodePlaces.Picked()
  /// The regions of the blocks that are open.
  private var open: [Int?] = []

  /// - Parameters:
  ///   - globals: what is known of each global of the index space.
  ///   - followsBits: whether locals are followed for the bits that they may have, and not for values.
  ///   - notesAccesses: whether it is noted where values may go into the offsets of accesses.
  init(_ unit: InputModule, globals: [SymbolicValue?], followsBits: Bool = false, notesAccesses: Bool = false) {
    self.unit = unit
    file = unit.file.bytes
    self.globals = globals
    self.followsBits = followsBits
    self.notesAccesses = notesAccesses
  }

  /// Begins a body: reads the reads of globals, and finds the locals to which they go.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - uses: where it reads globals of known values to which numbers are added, or which go to a local.
  /// - Returns: `false` if that cannot be read.
  mutating func readGlobals(_ body: ByteReader, _ places: CodePlaces, _ uses: ReusedRow<UInt32>) -> Bool {
    self.body = body
    if localCount > 0 { forgetLocals() }
    globalSteps.removeAll()
    if !choices.isEmpty { choices.removeAll(keepingCapacity: true) }
    if !accesses.isEmpty { accesses.removeAll(keepingCapacity: true) }
    if !indexLocals.isEmpty { indexLocals.removeAll(keepingCapacity: true) }
    do throws(FormatError) {
      for use in uses {
        let count = localCount
        try readGlobal(at: Int(use), places)
        if count == 0, localCount > 0 { source = globalSteps.count - 1 }
      }
    } catch {
      return false
    }
    if !choices.isEmpty || !globalChoices.isEmpty { globalChoices = choices }
    if !accesses.isEmpty || !globalAccesses.isEmpty { globalAccesses = accesses }
    if localCount == 0 { swap(&steps, &globalSteps) }
    return true
  }

  /// Reads the rest of the body, after ``readGlobals(_:_:_:)``.
  ///
  /// - Returns: `false` if it has instructions that are not followed.
  mutating func read(_ places: CodePlaces) -> Bool {
    do throws(FormatError) {
      for round in 1...FlowSteps.mostRounds {
        let count = localCount
        try readLocals(places, follows: round < FlowSteps.mostRounds)
        // What went to a local before it was known that it matters was passed over.
        if localCount == count { break }
      }
      if areSitesOutsideOfBlocks(places) { return true }
      try addControl(places)
      return try findRegions()
    } catch {
      return false
    }
  }

  /// Reads the reads and assignments of some locals of a body, for their bits.
  ///
  /// - Returns: `false` if it has instructions that are not followed.
  mutating func readBits(of locals: [UInt32], _ body: ByteReader, _ places: CodePlaces) -> Bool {
    self.body = body
    forgetLocals()
    for local in locals { follow(local) }
    return read(places)
  }

  // MARK: Locals

  @inline(__always)
  private func slot(ofLocal local: UInt32) -> Int? {
    guard local < FlowSteps.localLimit else { return nil }
    let slot = slots[Int(local)]
    return slot == .max ? nil : Int(slot)
  }

  /// The local that a step reads or assigns.
  @inline(__always)
  func local(of step: FlowStep) -> UInt32 { locals[step.slot] }

  /// Follows the local to which the value goes that was computed in front of an offset.
  private mutating func followAssignment(at offset: Int) throws(FormatError) {
    guard offset < body.end, body[offset] == 0x21 || body[offset] == 0x22 else { return }
    var reader = body[after: offset]
    follow(try reader.u32())
  }

  private mutating func follow(_ local: UInt32) {
    guard slot(ofLocal: local) == nil, local < FlowSteps.localLimit, localCount < FlowSteps.mostLocals else { return }
    slots[Int(local)] = UInt8(localCount)
    locals.append(local)
    if local < 0x80 { wantedLocals[Int(local)] = 1 }
  }

  /// The only local that is followed, and the step of ``globalSteps`` whose value goes there; `nil` if there are more, or if
  /// its index takes more than one byte.
  var onlyAssignment: (local: UInt8, source: Int)? {
    guard localCount == 1, locals[0] < 0x80 else { return nil }
    return (UInt8(locals[0]), source)
  }

  private mutating func forgetLocals() {
    for local in locals {
      slots[Int(local)] = .max
      if local < 0x80 { wantedLocals[Int(local)] = 0 }
    }
    locals.removeAll()
    if !sites.isEmpty { sites.removeAll(keepingCapacity: true) }
  }

  // MARK: Places

  /// How many more blocks are open behind an instruction.
  func nesting(at place: Int) -> Int {
    switch classes[Int(body[place])] {
    case .opening, .region: 1
    case .ending: -1
    default: 0
    }
  }

  /// Whether no block is open at any site.
  private func areSitesOutsideOfBlocks(_ places: CodePlaces) -> Bool {
    var (depth, index) = (0, 0)
    var left = sites.count
    for step in steps where step.isAssignment {
      while places[index] < step.range.lowerBound {
        depth += nesting(at: places[index])
        index += 1
      }
      if depth != 0 { return false }
      left -= 1
      if left == 0 { break }
    }
    return true
  }

  // MARK: Choices

  /// Whether a choice is added to the value in front of an offset.
  ///
  /// - Parameter next: the first choice that may; offsets ascend from call to call.
  @inline(__always)
  func isChosenFrom(_ offset: Int, _ next: inout Int) -> Bool {
    while next < choices.count, choices[next].ranges.0.lowerBound < offset { next += 1 }
    return next < choices.count && choices[next].ranges.0.lowerBound == offset
  }

  /// Notes a choice whose first number was read, if it is one.
  private mutating func noteChoice(_ first: Int64, _ range: Range<Int>) throws(FormatError) {
    var rest = body
    rest.offset = range.upperBound
    guard let byte = rest.peek(), classes[Int(byte)] == .number else { return }
    try rest.skip(1)
    guard let second = try number(byte, &rest), let first = Int32(exactly: first), let second = Int32(exactly: second)
    else { return }
    let end = rest.offset
    var reader = InstructionReader(rest, isInsideBlocks: true)
    // Values that the condition has on the stack.
    var height = 0
    for _ in 0..<FlowSteps.longestChoice {
      guard let instruction = try? reader.next() else { return }
      if instruction.opcode == .select, height == 1 {
        guard instruction.end < body.end, body[instruction.end] == 0x6A || body[instruction.end] == 0x7C else { return }
        return choices.append(
          Choice(ranges: (range, range.upperBound..<end), numbers: (first, second), addition: instruction.end))
      }
      guard let effect = unit.effect(of: instruction), effect.pops <= height else { return }
      height += effect.pushes - effect.pops
    }
  }

  // MARK: Steps

  /// Forgets all steps but the reads of globals.
  mutating func beginSteps() {
    steps.removeAll()
    if !choices.isEmpty || !globalChoices.isEmpty { choices = globalChoices }
    if !accesses.isEmpty || !globalAccesses.isEmpty { accesses = globalAccesses }
  }

  /// Puts choices and accesses in order, after the steps of locals were read.
  mutating func orderUses() {
    if choices.count > 1 { choices.sort { $0.addition < $1.addition } }
    if accesses.count > 1 { accesses.sort { $0.value.upperBound < $1.value.upperBound } }
  }

  /// Merges the reads of globals with the reads and assignments of the locals that are followed.
  ///
  /// - Parameter follows: whether further locals may be followed.
  private mutating func readLocals(_ places: CodePlaces, follows: Bool) throws(FormatError) {
    beginSteps()
    sites.removeAll(keepingCapacity: true)
    for slot in 0..<localCount { siteCounts[slot] = 0 }
    places.pick(from: body, first: Class.picksLocals, second: wantedLocals, into: &picked)
    var global = 0
    for next in 0..<picked.count {
      let place = picked[next]
      while global < globalSteps.count, globalSteps[global].start < place {
        steps.append(globalSteps[global])
        global += 1
      }
      try readLocal(body[place], at: place, places, follows: follows)
    }
    appendGlobalSteps(from: global)
    orderUses()
  }

  /// Adds those that read a global, from one on. A slice would count references.
  mutating func appendGlobalSteps(from first: Int) {
    for index in first..<globalSteps.count { steps.append(globalSteps[index]) }
  }

  /// Adds the instructions that open, close and leave blocks to the steps, after ``readLocals(_:follows:)``.
  private mutating func addControl(_ places: CodePlaces) throws(FormatError) {
    places.pick(from: body, first: Class.picksControl, second: wantedLocals, into: &picked)
    swap(&steps, &others)
    steps.removeAll()
    var other = 0
    for next in 0..<picked.count {
      let place = picked[next]
      while other < others.count, others[other].start < place {
        steps.append(others[other])
        other += 1
      }
      let byte = body[place]
      var label: UInt32 = 0
      if classes[Int(byte)] == .branch {
        var reader = body[after: place]
        label = try reader.u32()
      }
      steps.append(FlowStep(byte, place, end: place + 1, operand: label))
    }
    for index in other..<others.count { steps.append(others[index]) }
  }

  /// Reads a `local.get`, `local.set` or `local.tee`.
  @inline(__always)
  private mutating func readLocal(
    _ byte: UInt8, at place: Int, _ places: CodePlaces, follows: Bool
  ) throws(FormatError) {
    var reader = body[after: place]
    guard let slot = slot(ofLocal: try reader.u32()) else { return }
    var step = FlowStep(byte, place, end: reader.offset, operand: UInt32(truncatingIfNeeded: slot))
    if followsBits {
      if byte != 0x20 {
        let bits = bits(endingAt: place, places) { _, _ in ValueBits.unknown }
        sites.append(Site(slot, bits: bits))
      }
      steps.append(step)
      return
    }
    if byte != 0x20 {
      let mayBeKnown = steps.last.map { $0.isValue && $0.sum.upperBound == place } ?? false
      sites.append(Site(slot, mayBeKnown ? siteCounts[slot] : FlowSteps.notFollowed))
      if mayBeKnown { siteCounts[slot] += 1 }
    }
    if byte != 0x21, goesOn(at: reader.offset) {
      try addNumbers(to: &step, hasFront: byte == 0x20, places)
      if follows { try followAssignment(at: step.sum.upperBound) }
      noteAccess(step.sum, places)
    }
    steps.append(step)
  }

  /// Reads a `global.get`.
  private mutating func readGlobal(at place: Int, _ places: CodePlaces) throws(FormatError) {
    var reader = body[after: place]
    let global = try reader.evenU32()
    guard global < globals.count, let value = globals[Int(global)], value.base != .number else { return }
    var step = FlowStep(0x23, place, end: reader.offset, operand: global)
    if goesOn(at: reader.offset) {
      try addNumbers(to: &step, hasFront: true, places)
      try followAssignment(at: step.sum.upperBound)
      if case .memory = value.base { noteAccess(step.sum, places) }
    }
    globalSteps.append(step)
  }

  /// Adds the numbers to a step that are added to its value, if it goes to no local then.
  @inline(__always)
  mutating func addNumbers(behind step: inout FlowStep, _ places: CodePlaces, isRead: Bool) throws(FormatError) -> Bool
  {
    guard goesOn(at: step.range.upperBound) else { return true }
    try addNumbers(to: &step, hasFront: isRead, places)
    noteAccess(step.sum, places)
    let end = step.sum.upperBound
    return end >= body.end || body[end] != 0x21 && body[end] != 0x22
  }

  /// Whether something may be added to what is on top of the stack in front of an offset, or may it be assigned.
  @inline(__always)
  private func goesOn(at offset: Int) -> Bool { offset < body.end && classes[Int(body[offset])].goesOn }

  /// Adds the numbers to a step that are added to its value right behind it, one of which may stand in front.
  ///
  /// - Parameter hasFront: whether a number in front may be added.
  @inline(__always)
  private mutating func addNumbers(to step: inout FlowStep, hasFront: Bool, _ places: CodePlaces) throws(FormatError) {
    let start = step.range.upperBound
    guard classes[Int(body[start])].isPartOfSum else { return }
    // The usual case.
    if body[start] == 0x41, let (number, end) = body.shortSigned(at: start + 1), body[end] == 0x6A,
      let narrow = Int32(exactly: number)
    {
      step.addend = narrow
      step.tailLength = UInt8(truncatingIfNeeded: end &+ 1 &- start)
      if !classes[Int(body[end + 1])].isPartOfSum { return }
    }
    try addAllNumbers(to: &step, hasFront: hasFront, places)
  }

  private mutating func addAllNumbers(to step: inout FlowStep, hasFront: Bool, _ places: CodePlaces) throws(FormatError)
  {
    var hasFront = hasFront
    while true {
      var reader = body
      reader.offset = step.sum.upperBound
      guard let next = reader.peek(), classes[Int(next)].isPartOfSum else { return }
      let byte = try reader.byte()
      var number: Int64
      var lead = 0
      if let known = try self.number(byte, &reader) {
        guard let operation = reader.peek(), classes[Int(operation)] == .sum else {
          return try noteChoice(known, step.sum.upperBound..<reader.offset)
        }
        try reader.skip(1)
        let isSum = operation == 0x6A || operation == 0x7C
        guard let signed = isSum ? known : known == .min ? nil : -known else { return }
        number = signed
      } else if byte == 0x6A || byte == 0x7C, hasFront, let front = try numberInFront(of: step.sum.lowerBound, places) {
        (number, lead, hasFront) = (front.number, step.sum.lowerBound - front.start, false)
      } else {
        return
      }
      let is32 = reader[reader.offset - 1] < 0x70
      if is32 { number = Int64(Int32(truncatingIfNeeded: number)) }
      let sum = Int64(step.addend).addingReportingOverflow(number)
      let narrow = is32 ? Int32(truncatingIfNeeded: sum.partialValue) : Int32(exactly: sum.partialValue)
      guard !sum.overflow, let narrow, step.sum.count + reader.offset - step.sum.upperBound + lead <= FlowStep.longest
      else { return }
      step.addend = narrow
      step.tailLength += UInt8(reader.offset - step.sum.upperBound)
      step.leadLength += UInt8(lead)
    }
  }

  /// The number that an instruction pushes, behind whose opcode the reader stands.
  private func number(_ byte: UInt8, _ reader: inout ByteReader) throws(FormatError) -> Int64? {
    switch byte {
    case 0x41: return Int64(try reader.s32())
    case 0x42: return try reader.s64()
    case 0x23:
      let global = try reader.u32()
      guard global < globals.count, let value = globals[Int(global)], value.base == .number else { return nil }
      return value.addend
    default: return nil
    }
  }

  /// The number that the instruction pushes which ends at an offset, of `number; value; add`.
  private func numberInFront(
    of end: Int, _ places: CodePlaces
  ) throws(FormatError) -> (number: Int64, start: Int)? {
    // All bytes of a LEB128 number but the last have the highest bit, and the opcode has not.
    guard end - 2 >= body.offset, body[end - 1] < 0x80 else { return nil }
    var start = end - 2
    while start > body.offset, body[start] >= 0x80, end - start < 12 { start -= 1 }
    var reader = body[after: start]
    guard let number = try self.number(body[start], &reader), reader.offset == end else { return nil }
    // It may be the end of something longer: whether an instruction begins there only those in front tell.
    var before = body
    if let last = places.last(before: start + 1) { before.offset = last }
    var instructions = InstructionReader(before, isInsideBlocks: true)
    while instructions.reader.offset < start { _ = try instructions.next() }
    return instructions.reader.offset == start ? (number, start) : nil
  }

  // MARK: Blocks

  /// - Returns: `false` if an instruction branches in a way that is not followed.
  private mutating func findRegions() throws(FormatError) -> Bool {
    regions.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
    var (site, work) = (0, 0)
    for step in steps {
      switch classes[Int(step.opcode.rawValue)] {
      case .local: if step.opcode != .localGet { site += 1 }
      case .opening: open.append(nil)
      case .region:
        open.append(regions.count)
        regions.append(site..<site)
      case .ending:
        if let region = open.popLast() ?? nil {
          regions[region] = regions[region].lowerBound..<site
          work += regions[region].count + 8 * open.count
        }
      case .prefix:
        // Branches on casts.
        var instructions = InstructionReader(body[after: step.range.lowerBound - 1], isInsideBlocks: true)
        if let instruction = try instructions.next(), instruction.opcode.namesLabels { return false }
      case .unclear: return false
      default: break
      }
    }
    return work <= 64 * steps.count + 10_000
  }
}

extension FlowSteps {
  /// What is to be done with an instruction.
  private enum Class: UInt8 {
    case other, number, sum, global, local
    /// A block, one that is entered or left in the middle, and the end of both.
    case opening, region, ending
    /// What goes elsewhere, with one label, without or with many.
    case branch, jump
    /// Stack switching, and the instructions of garbage collection.
    case unclear, prefix

    /// Whether it may be about a number that is added, or about the sum.
    var isPartOfSum: Bool { rawValue > Class.other.rawValue && rawValue < Class.local.rawValue }
    /// The same, or an assignment.
    var goesOn: Bool { rawValue > Class.other.rawValue && rawValue <= Class.local.rawValue }
    var isControl: Bool { rawValue >= Class.opening.rawValue }

    /// By the first byte of an instruction: 1 if that it is picked depends on its local, or 0.
    static let picksLocals = all.map { $0 == .local ? UInt8(1) : 0 }
    /// The same: 2 if it is picked, or 0.
    static let picksControl = all.map { $0.isControl ? UInt8(2) : 0 }

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
