import WebAssemblyFormat

/// Writes functions as a compiler does for an object: what the link decides is an operand with a relocation.
///
/// Pointers are as wide as addresses; each instruction that differs by that is written by one method.
struct ObjectCode {
  /// A value as functions take and give it.
  enum Value {
    case int, pointer

    func type(is64: Bool) -> ValueType { self == .pointer && is64 ? .i64 : .i32 }
  }

  /// Instructions on two numbers, or one, that exist for integers and for pointers.
  enum Operation {
    case isZero, equal, notEqual, lessSigned, less, greater, atLeast, add, subtract, and, or, shiftLeft, shiftRight
  }

  let is64: Bool
  /// All functions, each with its size in front, as in a code section.
  private(set) var bytes: [UInt8] = []
  private(set) var functions: [(start: Int, body: Range<Int>)] = []
  private(set) var relocations: [Relocation] = []
  private(set) var ranges: [RelocationRange] = []
  /// The function that is being written, and its relocations as it counts.
  private var body = ByteWriter()
  private var edits: [Relocation] = []
  private var wideAddends: [Int64] = []

  init(is64: Bool) { self.is64 = is64 }

  /// Begins a function.
  ///
  /// - Parameter locals: the variables behind the parameters.
  mutating func begin(locals: [Value] = []) {
    body = ByteWriter()
    edits = []
    body.count(locals.count)
    for local in locals {
      body.byte(1)
      body.valueType(local.type(is64: is64))
    }
  }

  /// Ends the function.
  mutating func finish() {
    body.byte(0x0B)
    let start = bytes.count
    var size = ByteWriter()
    size.count(body.count)
    bytes += size.bytes + body.bytes
    let first = bytes.count - body.count
    functions.append((start, first..<bytes.count))
    ranges.append(
      RelocationRange(start: UInt32(relocations.count), end: UInt32(relocations.count + edits.count)))
    for var edit in edits {
      edit.offset += UInt32(first)
      relocations.append(edit)
    }
  }

  // MARK: Operands

  private mutating func relocated(_ kind: RelocationKind, _ target: UInt32, addend: Int = 0) {
    var edit = Relocation(kind, at: UInt32(body.count), width: UInt8(kind.width), target: target)
    edit.setAddend(Int64(addend), beside: &wideAddends)
    precondition(!edit.hasWideAddend, "offsets in the tables have 32 bits")
    edits.append(edit)
    body.u64(0, width: kind.width)
  }

  mutating func get(_ local: Int) {
    body.byte(0x20)
    body.count(local)
  }

  mutating func set(_ local: Int) {
    body.byte(0x21)
    body.count(local)
  }

  mutating func tee(_ local: Int) {
    body.byte(0x22)
    body.count(local)
  }

  mutating func int(_ value: Int) {
    body.byte(0x41)
    body.s32(Int32(truncatingIfNeeded: value))
  }

  mutating func pointer(_ value: Int) {
    body.byte(is64 ? 0x42 : 0x41)
    body.s64(Int64(value))
  }

  /// The address of a byte of some data.
  mutating func address(_ data: SymbolIndex, _ offset: Int = 0) {
    body.byte(is64 ? 0x42 : 0x41)
    relocated(is64 ? .memoryAddressSLEB64 : .memoryAddressSLEB, data.rawValue, addend: offset)
  }

  /// The same of thread-local data, which is found from `base`, the symbol of `__tls_base`.
  mutating func threadAddress(_ data: SymbolIndex, _ offset: Int, base: SymbolIndex) {
    getGlobal(base)
    body.byte(is64 ? 0x42 : 0x41)
    relocated(is64 ? .memoryAddressTLSSLEB64 : .memoryAddressTLSSLEB, data.rawValue, addend: offset)
    pointers(.add)
  }

  mutating func getGlobal(_ global: SymbolIndex) {
    body.byte(0x23)
    relocated(.globalIndexLEB, global.rawValue)
  }

  mutating func setGlobal(_ global: SymbolIndex) {
    body.byte(0x24)
    relocated(.globalIndexLEB, global.rawValue)
  }

  // MARK: Numbers

  mutating func ints(_ operation: Operation) { body.byte(ObjectCode.opcodes(operation).int) }

  mutating func pointers(_ operation: Operation) {
    let opcodes = ObjectCode.opcodes(operation)
    body.byte(is64 ? opcodes.wide : opcodes.int)
  }

  private static func opcodes(_ operation: Operation) -> (int: UInt8, wide: UInt8) {
    switch operation {
    case .isZero: (0x45, 0x50)
    case .equal: (0x46, 0x51)
    case .notEqual: (0x47, 0x52)
    case .lessSigned: (0x48, 0x53)
    case .less: (0x49, 0x54)
    case .greater: (0x4B, 0x56)
    case .atLeast: (0x4F, 0x5A)
    case .add: (0x6A, 0x7C)
    case .subtract: (0x6B, 0x7D)
    case .and: (0x71, 0x83)
    case .or: (0x72, 0x84)
    case .shiftLeft: (0x74, 0x86)
    case .shiftRight: (0x76, 0x88)
    }
  }

  /// Whether an integer is below zero.
  mutating func isNegative() {
    int(0)
    ints(.lessSigned)
  }

  mutating func isNotNegative() {
    isNegative()
    ints(.isZero)
  }

  /// An integer without a sign becomes a pointer.
  mutating func widen() { if is64 { body.byte(0xAD) } }
  /// An integer with a sign becomes a pointer.
  mutating func widenSigned() { if is64 { body.byte(0xAC) } }
  /// A pointer becomes an integer.
  mutating func narrow() { if is64 { body.byte(0xA7) } }

  // MARK: Memory

  private mutating func access(_ opcode: UInt8, alignment: UInt8, _ offset: Int) {
    body.raw([opcode, alignment])
    body.count(offset)
  }

  mutating func load(_ offset: Int = 0) { access(0x28, alignment: 2, offset) }
  mutating func store(_ offset: Int = 0) { access(0x36, alignment: 2, offset) }
  mutating func loadByte(_ offset: Int = 0) { access(0x2D, alignment: 0, offset) }
  mutating func storeByte(_ offset: Int = 0) { access(0x3A, alignment: 0, offset) }
  mutating func loadPointer(_ offset: Int = 0) { access(is64 ? 0x29 : 0x28, alignment: is64 ? 3 : 2, offset) }
  mutating func storePointer(_ offset: Int) { access(is64 ? 0x37 : 0x36, alignment: is64 ? 3 : 2, offset) }

  /// An instruction of the threads proposal on a word of memory.
  mutating func atomic(_ opcode: UInt8) { body.raw([0xFE, opcode, 0x02, 0x00]) }

  // MARK: Control

  /// - Parameter isTail: whether it is the last thing that the function does, which then needs no room on the stack.
  mutating func call(_ function: SymbolIndex, isTail: Bool = false) {
    body.byte(isTail ? 0x12 : 0x10)
    relocated(.functionIndexLEB, function.rawValue)
  }

  mutating func callIndirect(_ type: TypeIndex, _ table: SymbolIndex) {
    body.byte(0x11)
    relocated(.typeIndexLEB, type.rawValue)
    relocated(.tableNumberLEB, table.rawValue)
  }

  mutating func wide(_ value: Int64) {
    body.byte(0x42)
    body.s64(value)
  }

  /// A number of any type; a reference that is null, whatever the number.
  mutating func constant(_ type: ValueType, _ number: Int64) {
    switch type {
    case .i32: int(Int(truncatingIfNeeded: number))
    case .i64: wide(number)
    case .f32:
      body.byte(0x43)
      body.fixed32(Float(number).bitPattern)
    case .f64:
      body.byte(0x44)
      body.fixed64(Double(number).bitPattern)
    case .v128:
      body.raw([0xFD, 0x0C])
      body.fixed64(UInt64(bitPattern: number))
      body.fixed64(0)
    default: trap()
    }
  }

  mutating func drop() { body.byte(0x1A) }
  mutating func leave() { body.byte(0x0F) }
  mutating func trap() { body.byte(0x00) }

  mutating func branch(_ depth: Int) {
    body.byte(0x0C)
    body.count(depth)
  }

  mutating func branchIf(_ depth: Int) {
    body.byte(0x0D)
    body.count(depth)
  }

  /// Goes to the end of the block around it whose number is on the stack; of the last for all that are greater.
  mutating func branchTable(_ count: Int) {
    body.byte(0x0E)
    body.count(count - 1)
    for depth in 0..<count { body.count(depth) }
  }

  private mutating func open(_ opcode: UInt8, _ result: ValueType?) {
    body.byte(opcode)
    if let result { body.valueType(result) } else { body.byte(0x40) }
  }

  mutating func block(_ result: ValueType? = nil) { open(0x02, result) }
  mutating func loop() { body.raw([0x03, 0x40]) }
  mutating func ifTrue() { body.raw([0x04, 0x40]) }
  mutating func otherwise() { body.byte(0x05) }
  mutating func end() { body.byte(0x0B) }

  // MARK: Exceptions

  /// Throws what has a tag, and nothing with it.
  mutating func raise(_ tag: SymbolIndex) {
    body.byte(0x08)
    relocated(.tagIndexLEB, tag.rawValue)
  }

  /// `try`, as the older instructions have it.
  mutating func tryCalling(_ result: ValueType?) { open(0x06, result) }

  mutating func catching(_ tag: SymbolIndex) {
    body.byte(0x07)
    relocated(.tagIndexLEB, tag.rawValue)
  }

  /// `try_table` with one clause, `catch`: it goes to the end of a block around it.
  mutating func tryTable(_ result: ValueType?, catching tag: SymbolIndex, at depth: Int) {
    open(0x1F, result)
    body.raw([0x01, 0x00])
    relocated(.tagIndexLEB, tag.rawValue)
    body.count(depth)
  }
}

extension ObjectCode {
  /// A function that was written, as a module has it.
  func function(_ index: Int, type: TypeIndex, name: ByteString) -> Function {
    let (start, body) = functions[index]
    return Function(
      type: type, body: Extent(start: UInt32(body.lowerBound), size: UInt32(body.count)), start: UInt32(start),
      name: name)
  }
}
