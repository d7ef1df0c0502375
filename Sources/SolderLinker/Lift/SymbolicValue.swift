import WebAssemblyFormat

/// A number that is known up to where something will be placed: `base + addend`.
///
/// This is what the code that relocates a shared library computes, and what its globals hold
/// (tool-conventions, DynamicLinking.md).
struct SymbolicValue: Equatable {
  enum Base: Equatable {
    /// Nothing: a plain number.
    case number
    /// The address of a data symbol of the unit.
    case memory(symbol: UInt32)
    /// The table slot of a function symbol of the unit.
    case slot(symbol: UInt32)
    /// The first slot of the unit's block of table slots.
    case tableBlock
  }
  var base: Base
  var addend: Int64

  static func number(_ value: Int64) -> SymbolicValue { SymbolicValue(base: .number, addend: value) }

  /// The sum, if at most one of the two depends on a place.
  static func + (left: SymbolicValue, right: SymbolicValue) -> SymbolicValue? {
    if right.base == .number { return SymbolicValue(base: left.base, addend: left.addend &+ right.addend) }
    if left.base == .number { return SymbolicValue(base: right.base, addend: left.addend &+ right.addend) }
    return nil
  }

  /// The value behind a conversion between i32 and i64: an address stays the same, whatever its width.
  func converted(by opcode: Opcode) -> SymbolicValue {
    guard base == .number else { return self }
    let low = UInt32(truncatingIfNeeded: addend)
    return .number(opcode == .i64ExtendI32Unsigned ? Int64(low) : Int64(Int32(bitPattern: low)))
  }

  static func - (left: SymbolicValue, right: SymbolicValue) -> SymbolicValue? {
    guard right.base == .number else { return nil }
    return SymbolicValue(base: left.base, addend: left.addend &- right.addend)
  }
}

/// Evaluates straight-line code of a unit over ``SymbolicValue``s: constant expressions, and the functions that
/// relocate a shared library.
///
/// Whatever has another effect than storing such a value in memory or in a global makes the code unreadable; the
/// caller then keeps it and lets it run.
struct SymbolicEvaluator {
  /// A store that was read: a value of `width` bytes, written to an address.
  struct Store {
    var address: SymbolicValue
    var value: SymbolicValue
    var width: UInt8
  }

  /// A range of memory that `memory.fill` sets to zero.
  struct ClearedRange {
    var address: SymbolicValue
    var count: Int64
  }

  private let file: InputFile
  /// The module whose functions can be read.
  private let unit: ModuleDraft?
  /// What is known of each global of the index space; `nil` for true variables.
  var globals: [SymbolicValue?]
  private(set) var stores: [Store] = []
  private(set) var clearedRanges: [ClearedRange] = []
  private(set) var globalAssignments: [(global: UInt32, value: SymbolicValue)] = []
  /// Functions that were read as part of another.
  private(set) var readFunctions: [UInt32] = []
  /// Instructions left before code counts as unreadable, so that no input takes forever.
  private(set) var budget: Int

  init(_ unit: ModuleDraft, globals: [SymbolicValue?], budget: Int = 0) {
    file = unit.file
    self.unit = unit
    self.globals = globals
    self.budget = budget
  }

  /// An evaluator of constant expressions alone.
  init(_ file: InputFile, globals: [SymbolicValue?]) {
    self.file = file
    unit = nil
    self.globals = globals
    budget = 0
  }

  /// The value of a constant expression, `nil` if it is not a symbolic one.
  func value(of expression: Fragment) -> SymbolicValue? {
    let end = Int(expression.start) + Int(expression.size)
    var reader = InstructionReader(ByteReader(file.bytes.base, Int(expression.start)..<end))
    var stack: [SymbolicValue] = []
    while let instruction = try? reader.next() {
      if reader.depth == 0 { break }
      guard evaluate(instruction, &stack) else { return nil }
    }
    return stack.count == 1 ? stack[0] : nil
  }

  /// Reads a whole function of the index space; `false` when it cannot be read, and nothing of it counts then.
  mutating func read(function index: UInt32) -> Bool {
    let before = self
    if readBody(of: index, depth: 0) { return true }
    let left = budget
    self = before
    budget = left
    return false
  }

  private mutating func readBody(of index: UInt32, depth: Int) -> Bool {
    guard let unit else { return false }
    let imported = unit.functionImports.count
    guard depth < 64, Int(index) >= imported, Int(index) - imported < unit.functions.count else { return false }
    let function = unit.functions[Int(index) - imported]
    guard unit.types.isEmptyFunction(Int(function.type)) else { return false }
    var code = unit.file.reader(of: function.body)
    var nothing = IgnoringVisitor()
    guard let localCount = try? scanLocals(&code, &nothing), localCount < 1 << 16 else { return false }
    budget -= Int(localCount)
    var locals = [SymbolicValue](repeating: .number(0), count: Int(localCount))
    var stack: [SymbolicValue] = []
    var reader = InstructionReader(code)
    while let instruction = try? reader.next() {
      if reader.depth == 0 {
        readFunctions.append(index)
        return true
      }
      budget -= 1
      guard budget > 0, reader.depth == 1 else { return false }
      if evaluate(instruction, &stack) { continue }
      guard perform(instruction, &stack, &locals, depth: depth) else { return false }
    }
    return false
  }

  /// Instructions that only compute.
  private func evaluate(_ instruction: Instruction, _ stack: inout [SymbolicValue]) -> Bool {
    switch instruction.opcode {
    case .i32Const, .i64Const: stack.append(.number(instruction.first))
    case .globalGet:
      let index = Int(instruction.first)
      guard index < globals.count, let value = globals[index] else { return false }
      stack.append(value)
    case .i32Add, .i64Add: return combine(&stack) { $0 + $1 }
    case .i32Sub, .i64Sub: return combine(&stack) { $0 - $1 }
    case .i32WrapI64, .i64ExtendI32Unsigned, .i64ExtendI32Signed:
      guard let value = stack.popLast() else { return false }
      stack.append(value.converted(by: instruction.opcode))
    case .nop: break
    default: return false
    }
    return true
  }

  private func combine(
    _ stack: inout [SymbolicValue], _ operation: (SymbolicValue, SymbolicValue) -> SymbolicValue?
  ) -> Bool {
    guard let right = stack.popLast(), let left = stack.popLast(), let result = operation(left, right) else {
      return false
    }
    stack.append(result)
    return true
  }

  /// Instructions with an effect.
  private mutating func perform(
    _ instruction: Instruction, _ stack: inout [SymbolicValue], _ locals: inout [SymbolicValue], depth: Int
  ) -> Bool {
    switch instruction.opcode {
    case .localGet:
      guard Int(instruction.first) < locals.count else { return false }
      stack.append(locals[Int(instruction.first)])
    case .localSet, .localTee:
      guard Int(instruction.first) < locals.count, let value = stack.last else { return false }
      locals[Int(instruction.first)] = value
      if instruction.opcode == .localSet { stack.removeLast() }
    case .drop: return stack.popLast() != nil
    case .i32Store, .i64Store:
      guard let value = stack.popLast(), let address = stack.popLast(), instruction.memory == unit?.libraryMemory,
        let place = address + .number(instruction.first)
      else { return false }
      stores.append(Store(address: place, value: value, width: instruction.opcode == .i32Store ? 4 : 8))
    case .memoryFill:
      guard let count = stack.popLast(), let value = stack.popLast(), let address = stack.popLast(),
        count.base == .number, value == .number(0), UInt32(exactly: instruction.first) == unit?.libraryMemory,
        stores.isEmpty
      else { return false }
      clearedRanges.append(ClearedRange(address: address, count: count.addend))
    case .globalSet:
      guard let unit else { return false }
      let index = Int(instruction.first) - unit.globalImports.count
      guard let value = stack.popLast(), index >= 0, index < unit.globals.count else { return false }
      globalAssignments.append((UInt32(instruction.first), value))
      globals[Int(instruction.first)] = value
    case .call: return readBody(of: UInt32(truncatingIfNeeded: instruction.first), depth: depth + 1)
    default: return false
    }
    return true
  }
}

extension Relocation {
  /// Turns the operand of a `global.get` into the constant that the global holds; `false` when the constant has no
  /// place in a relocation, so that the global stays.
  mutating func become(_ value: SymbolicValue, is64: Bool) -> Bool {
    // An addend of more than 32 bits only occurs in 64-bit modules, and rarely.
    guard let addend = Int32(exactly: value.addend) else { return false }
    switch value.base {
    case .number: (kind, target) = (.constantNumber, none32)
    case .memory(let symbol): (kind, target) = (.constantMemoryAddress, symbol)
    case .slot(let symbol): (kind, target) = (.constantTableIndex, symbol)
    case .tableBlock: (kind, target) = (.constantTableIndex, none32)
    }
    storedAddend = addend
    isConstant64 = is64
    return true
  }
}

/// Sees no operand.
struct IgnoringVisitor: OperandVisitor {
  mutating func operand(_ operand: Operand) throws(FormatError) {}
}

extension InputFile {
  /// A reader of some bytes of the file.
  func reader(of extent: Extent) -> ByteReader {
    ByteReader(bytes.base, Int(extent.start)..<Int(extent.start) + Int(extent.size))
  }
}
