import WebAssemblyFormat

// Addresses in the offsets of accesses.
//
// `i32.const table; local.get index; i32.add; i32.load` does what `local.get index; i32.load offset=table` does, and static
// code has the shorter form: the compiler knew that the index is inside of the table. Code of a library does not say so any
// more. It is not the same for every index, since a sum wraps around, and behind the end of the addresses there is none.
// So the address only goes into the offset where the index is known to be small (`ValueBits`): right there, or, where it is
// a local, wherever that was set. Sets of bits unite where paths meet, as sets of assignments do; `LocalFlow` follows both.
//
// Layout knows the address, and whether it is one for all threads. So three edits stand for the access, of the address, of
// the addition and of the offset, and each of them can do both: with an address in the upper half of 32 bits, or one that
// stays to be patched, code is as it was (`OperandEncoder`). An access without an index goes the same way, with a zero to
// which the offset is added: the address takes fewer bytes there, as it has no sign, and with the offset is one number.
//
// `table[c - 'a']` adds a number once more behind the index. That goes into the address in any case.

/// A sum of a known value and an index: `value; index; add`, or the index first; and what it is for.
struct IndexedAccess {
  /// Where the value begins and ends.
  let value: Range<Int>
  /// The addition, of one byte.
  let addition: Int
  /// A number that is added to the sum right away, and the two instructions that do so.
  let more: (number: Int32, range: Range<Int>)?
  /// Where the constant offset is of the access that the sum is the address of, and the offset; `nil` if it is for
  /// anything else.
  fileprivate(set) var operand: Range<Int>?
  fileprivate(set) var offset: UInt64 = 0
  /// Whether the index stands in front of the value, which has to begin where it was found.
  let isIndexFirst: Bool
  /// Whether the sum has 64 bits.
  let is64: Bool
  /// All bits that the index may have; as many as locals may have that were not followed yet.
  fileprivate(set) var bits: UInt64
  /// Whether nothing has to be known of locals.
  fileprivate(set) var isSettled: Bool

  /// The lowest address that stays where it is.
  static let addressLimit: UInt64 = 1 << 31
  /// What a local is taken for, until it is known whether it is worth following.
  fileprivate static let expectedBits: UInt64 = 0xFFFF
  /// How many instructions it may take.
  fileprivate static let longest = 32

  /// What the index has to be below, so that an address can be added.
  private var limit: UInt64 { is64 ? 1 << 62 : IndexedAccess.addressLimit }
  fileprivate var isBounded: Bool { operand != nil && bits < limit && offset < IndexedAccess.addressLimit }
  /// The first of the instructions behind the index that are edited.
  var firstEdited: Int { more?.range.lowerBound ?? addition }

  /// The number in the offset, besides the address of a symbol that is below ``addressLimit``; `nil` if a sum could wrap
  /// around.
  ///
  /// - Parameter addend: what is added to the symbol.
  func offset(adding addend: Int64) -> Int32? {
    guard isBounded, addend >= 0, UInt64(addend) < IndexedAccess.addressLimit, UInt64(addend) + bits < limit
    else { return nil }
    return Int32(exactly: UInt64(addend) + offset)
  }
}

extension FlowSteps {
  /// Notes the access that a value may be part of, from what comes behind it.
  @inline(__always)
  mutating func noteAccess(_ value: Range<Int>, _ places: CodePlaces) {
    guard notesAccesses, value.upperBound + 2 < body.end else { return }
    switch body[value.upperBound] {
    // Mostly a local is stored there.
    case 0x20: if (0x36...0x3E).contains(body[value.upperBound + 2]), body[value.upperBound + 1] < 0x80 { return }
    case 0x23, 0x41, 0x42, 0x6A, 0x7C: break
    default: return
    }
    noteAnyAccess(value, places)
  }

  private mutating func noteAnyAccess(_ value: Range<Int>, _ places: CodePlaces) {
    let unknown = index(behind: value, places) { _, _ in ValueBits.unknown }
    guard let unknown else { return }
    var access = access(of: value, unknown)
    if access.isBounded { return accesses.append(access) }
    if access.operand != nil {
      var locals: [UInt32] = []
      let expected = index(behind: value, places) { _, local in
        locals.append(local)
        return IndexedAccess.expectedBits
      }
      if let expected { access.bits = expected.bits }
      if access.isBounded {
        access.isSettled = false
        for local in locals where !indexLocals.contains(local) { indexLocals.append(local) }
        return accesses.append(access)
      }
    }
    if access.more != nil { accesses.append(access) }
  }

  /// What is added to a value: where the addition is, and which bits the index may have; `nil` if it is none.
  ///
  /// - Parameter local: tells the bits of a local that an instruction at an offset reads.
  @inline(__always)
  private func index(
    behind value: Range<Int>, _ places: CodePlaces, local: (Int, UInt32) -> UInt64
  ) -> (addition: Int, bits: UInt64)? {
    var place = value.upperBound
    if isSum(at: place) { return (place, bits(endingAt: value.lowerBound, places, local: local)) }
    var stack = BitStack()
    for _ in 0..<IndexedAccess.longest {
      let (addition, height, index) = (place, stack.count, stack.top)
      guard let missing = stack.follow(file, at: &place, local: local) else { return nil }
      if missing == 0 { continue }
      guard height == 1, let index, isSum(at: addition) else { return nil }
      return (addition, index)
    }
    return nil
  }

  private func isSum(at offset: Int) -> Bool { body[offset] == 0x6A || body[offset] == 0x7C }

  /// What a sum is for.
  private func access(of value: Range<Int>, _ index: (addition: Int, bits: UInt64)) -> IndexedAccess {
    let more = numberAdded(behind: index.addition)
    var access = IndexedAccess(
      value: value, addition: index.addition, more: more, isIndexFirst: index.addition == value.upperBound,
      is64: body[index.addition] == 0x7C, bits: index.bits, isSettled: true)
    if let operand = operand(behind: more?.range.upperBound ?? index.addition + 1) {
      (access.operand, access.offset) = (operand, body.unsignedNumber(in: operand))
    }
    return access
  }

  /// The number that is added to a sum right behind it.
  private func numberAdded(behind addition: Int) -> (number: Int32, range: Range<Int>)? {
    let is64 = body[addition] == 0x7C
    guard addition + 16 < file.end, file[addition + 1] == (is64 ? 0x42 : 0x41),
      let (number, end) = file.shortSigned(at: addition + 2), file[end] == file[addition],
      let narrow = Int32(exactly: number)
    else { return nil }
    return (narrow, addition + 1..<end + 1)
  }

  /// The constant offset of the access that the address on the stack is for.
  func operand(behind start: Int) -> Range<Int>? {
    if (0x28...0x35).contains(body[start]), let operand = file.plainOffset(ofAccessAt: start) { return operand }
    // What is stored is on the stack above the address.
    var stack = BitStack()
    var place = start
    for _ in 0..<IndexedAccess.longest {
      guard let missing = stack.follow(file, at: &place, local: { _, _ in ValueBits.unknown }) else { break }
      if missing > 0 { return nil }
    }
    if (0x36...0x3E).contains(body[place]), stack.count == 1, let operand = file.plainOffset(ofAccessAt: place) {
      return operand
    }
    return operand(behind: place, height: stack.count)
  }

  /// The same by way of instructions of any kind.
  ///
  /// - Parameter height: how much is on the stack above the address.
  private func operand(behind start: Int, height: Int) -> Range<Int>? {
    var rest = body
    rest.offset = start
    var reader = InstructionReader(rest, isInsideBlocks: true)
    var height = height
    for _ in 0..<IndexedAccess.longest {
      guard let instruction = try? reader.next(), let effect = unit.effect(of: instruction) else { return nil }
      guard effect.pops > height else {
        height += effect.pushes - effect.pops
        continue
      }
      let isLoad = (0x28...0x35).contains(instruction.opcode.rawValue) && height == 0
      let isStore = (0x36...0x3E).contains(instruction.opcode.rawValue) && height == 1
      return isLoad || isStore ? offsetOperand(of: instruction) : nil
    }
    return nil
  }

  /// Where the constant offset of an access to memory is.
  private func offsetOperand(of access: Instruction) -> Range<Int>? {
    var reader = body
    reader.offset = access.operandOffset
    guard let alignment = try? reader.u32(), alignment & 0x40 == 0 || (try? reader.u32()) != nil else { return nil }
    let operand = reader.offset..<access.end
    return operand.isEmpty || operand.count > 10 ? nil : operand
  }

  /// The bits of the value that is on the stack at an offset.
  func bits(endingAt offset: Int, _ places: CodePlaces, local: (Int, UInt32) -> UInt64) -> UInt64 {
    // From the last places on, so that instructions begin there. What was on the stack until then may be anything.
    var place = places.last(before: offset, skipping: 3) ?? body.offset
    var stack = BitStack()
    while place < offset {
      if stack.follow(file, at: &place, local: local) != nil { continue }
      var rest = body
      rest.offset = place
      var reader = InstructionReader(rest, isInsideBlocks: true)
      guard let instruction = try? reader.next() else { return ValueBits.unknown }
      place = instruction.end
      stack.removeAll()
    }
    return place == offset ? stack.top ?? ValueBits.unknown : ValueBits.unknown
  }

  // MARK: Settling

  /// Whether something has to be known of locals.
  var hasOpenAccesses: Bool { accesses.contains { !$0.isSettled } }

  /// Looks again at accesses of which something had to be known of locals, and forgets all others of these.
  ///
  /// - Parameter local: tells the bits of a local that is read at an offset.
  mutating func settleAccesses(_ places: CodePlaces, local: (Int) -> UInt64) {
    var settled = 0
    for index in accesses.indices {
      var access = accesses[index]
      if !access.isSettled {
        guard let index = self.index(behind: access.value, places, local: { offset, _ in local(offset) }) else {
          continue
        }
        access.bits = index.bits
        access.isSettled = true
      }
      accesses[settled] = access
      settled += 1
    }
    accesses.removeLast(accesses.count - settled)
  }

  /// The access into which a value goes that ends at an offset, and the number in its offset; or the sum into which only
  /// the number goes that is added to it once more.
  ///
  /// - Parameter next: the first access that may; offsets ascend from call to call.
  /// - Returns: `sum` is the value with that number.
  @inline(__always)
  func access(
    taking known: KnownValue, in range: Range<Int>, _ next: inout Int
  ) -> (access: IndexedAccess, sum: KnownValue, offset: Int32?)? {
    while next < accesses.count, accesses[next].value.upperBound < range.upperBound { next += 1 }
    guard next < accesses.count, accesses[next].value.upperBound == range.upperBound, case .memory = known.value.base
    else { return nil }
    let access = accesses[next]
    guard let sum = known.plus(access.more?.number ?? 0) else { return nil }
    if !access.isIndexFirst || access.value.lowerBound == range.lowerBound,
      let offset = access.offset(adding: sum.value.addend)
    {
      return (access, sum, offset)
    }
    return access.more == nil ? nil : (access, sum, nil)
  }
}

/// The bits of locals that are read as indices, in one body after the other.
struct IndexFlow {
  private var code: FlowSteps
  private var flow = LocalFlow(globals: [])
  /// By the order of the code.
  private var reads: [(offset: UInt32, bits: UInt64)] = []

  init(_ unit: InputModule) { code = FlowSteps(unit, globals: [], followsBits: true) }

  /// Settles the accesses of a body.
  mutating func settle(_ accesses: inout FlowSteps, _ places: CodePlaces) {
    reads.removeAll(keepingCapacity: true)
    if code.readBits(of: accesses.indexLocals, accesses.body, places), flow.follow(code) {
      var next = 0
      for step in code.steps where step.opcode == .localGet {
        reads.append((step.start, flow.reads[next]))
        next += 1
      }
    }
    accesses.settleAccesses(places) { [reads] offset in
      let index = reads.indices.partitionPoint { reads[$0].offset < offset }
      guard index < reads.count, reads[index].offset == offset, reads[index].bits & FlowSteps.other == 0 else {
        return ValueBits.unknown
      }
      return reads[index].bits
    }
  }
}
