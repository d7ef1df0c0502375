import WebAssemblyFormat

/// A number that is known up to where something will be placed: `base + addend`.
///
/// This is what the code that relocates a shared library computes, and what its globals hold
/// (tool-conventions, DynamicLinking.md). Numbers of 32 bits are kept with their sign extended, and what is added to a
/// base as well.
struct SymbolicValue: Equatable {
  enum Base: Equatable {
    /// Nothing: a plain number.
    case number
    /// The address of a data symbol of the unit.
    case memory(symbol: SymbolIndex)
    /// The table slot of a function symbol of the unit.
    case slot(symbol: SymbolIndex)
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

  /// The difference, if the same place is in both, or in the first alone.
  static func - (left: SymbolicValue, right: SymbolicValue) -> SymbolicValue? {
    if left.base == right.base { return .number(left.addend &- right.addend) }
    guard right.base == .number else { return nil }
    return SymbolicValue(base: left.base, addend: left.addend &- right.addend)
  }

  /// The product of two numbers; an address has none.
  static func * (left: SymbolicValue, right: SymbolicValue) -> SymbolicValue? {
    guard left.base == .number, right.base == .number else { return nil }
    return .number(left.addend &* right.addend)
  }

  /// What 32 bits hold of it.
  var narrowed: SymbolicValue { SymbolicValue(base: base, addend: Int64(Int32(truncatingIfNeeded: addend))) }

  /// The place of a memory access whose operand this is: the constant offset is added to the address without wrapping
  /// around, so that has to be an address as it is.
  func plus(offset: Int64) -> SymbolicValue? {
    guard addend >= 0, offset >= 0 else { return nil }
    let (sum, overflow) = addend.addingReportingOverflow(offset)
    return overflow ? nil : SymbolicValue(base: base, addend: sum)
  }

  /// The value behind a conversion between i32 and i64; `nil` where that depends on where something is placed.
  func converted(by opcode: Opcode) -> SymbolicValue? {
    if opcode == .i32WrapI64 { return narrowed }
    guard base == .number else {
      // An address near its base is one of 32 bits without a sign, which stays the same.
      return opcode == .i64ExtendI32Unsigned && (0..<1 << 30).contains(addend) ? self : nil
    }
    return opcode == .i64ExtendI32Unsigned ? .number(Int64(UInt32(truncatingIfNeeded: addend))) : narrowed
  }

  /// Evaluates an instruction that does nothing but compute such values. `nil`, and nothing is done, if it is another;
  /// `false` if the stack has not got its operands.
  static func evaluate(_ instruction: Instruction, _ stack: inout [SymbolicValue?]) -> Bool? {
    switch instruction.opcode {
    case .i32Const, .i64Const: stack.append(.number(instruction.first))
    case .i32Add, .i32Sub, .i32Mul, .i64Add, .i64Sub, .i64Mul:
      guard let right = stack.popLast(), let left = stack.popLast() else { return false }
      var result: SymbolicValue?
      if let left, let right {
        switch instruction.opcode {
        case .i32Add, .i64Add: result = left + right
        case .i32Sub, .i64Sub: result = left - right
        default: result = left * right
        }
      }
      let isNarrow = [.i32Add, .i32Sub, .i32Mul].contains(instruction.opcode)
      stack.append(isNarrow ? result?.narrowed : result)
    case .i32WrapI64, .i64ExtendI32Unsigned, .i64ExtendI32Signed:
      guard let value = stack.popLast() else { return false }
      stack.append(value?.converted(by: instruction.opcode))
    case .nop: break
    default: return nil
    }
    return true
  }
}

/// Evaluates constant expressions of a unit over ``SymbolicValue``s.
struct SymbolicEvaluator {
  private let file: InputFile
  /// What is known of each global of the index space; `nil` for true variables.
  var globals: [SymbolicValue?]

  init(_ file: InputFile, globals: [SymbolicValue?]) {
    self.file = file
    self.globals = globals
  }

  /// The value of a constant expression, `nil` if it is not a symbolic one.
  func value(of expression: Fragment) -> SymbolicValue? {
    Self.value(of: expression, in: file) { globals[checked: Int($0)] ?? nil }
  }

  /// The value of a constant expression, `nil` if it is not a symbolic one.
  ///
  /// - Parameter global: what is known of a global of the index space.
  static func value(
    of expression: Fragment, in file: InputFile, global: (GlobalIndex) -> SymbolicValue?
  ) -> SymbolicValue? {
    var reader = InstructionReader(file.reader(of: Extent(start: expression.start, size: expression.size)))
    var stack: [SymbolicValue?] = []
    while let instruction = try? reader.next() {
      if reader.depth == 0 { break }
      if instruction.opcode == .globalGet {
        stack.append(global(GlobalIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))))
      } else if SymbolicValue.evaluate(instruction, &stack) != true {
        return nil
      }
    }
    return stack.count == 1 ? stack[0] : nil
  }
}

extension Relocation {
  /// Turns the operand of a `global.get` into the constant that the global holds; `false` when the constant has no
  /// place in a relocation, so that the global stays.
  mutating func become(_ value: SymbolicValue, is64: Bool) -> Bool {
    // An addend of more than 32 bits only occurs in 64-bit modules, and rarely.
    guard let addend = Int32(exactly: value.addend) else { return false }
    become(constantOf: value.base, is64: is64)
    (storedAddend, hasWideAddend) = (addend, false)
    return true
  }

  /// Turns an edit into the constant, whatever that is.
  mutating func become(_ value: SymbolicValue, is64: Bool, beside wideAddends: inout [Int64]) {
    become(constantOf: value.base, is64: is64)
    setAddend(value.addend, beside: &wideAddends)
  }

  private mutating func become(constantOf base: SymbolicValue.Base, is64: Bool) {
    switch base {
    case .number: (kind, target) = (.constantNumber, Relocation.noTarget)
    case .memory(let symbol): (kind, target) = (.constantMemoryAddress, symbol.rawValue)
    case .slot(let symbol): (kind, target) = (.constantTableIndex, symbol.rawValue)
    case .tableBlock: (kind, target) = (.constantTableIndex, Relocation.noTarget)
    }
    encoding = .constant(is64: is64)
  }
}

extension InputFile {
  /// A reader of some bytes of the file.
  func reader(of extent: Extent) -> ByteReader {
    bytes[Int(extent.start)..<Int(extent.start) + Int(extent.size)]
  }
}
