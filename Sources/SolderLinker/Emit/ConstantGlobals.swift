import WebAssemblyFormat

/// What the immutable globals of the result hold, as far as that is one constant.
///
/// A module may read an imported global in a constant expression. When another module of the link defines that global, it
/// becomes one of the result's own, which only newer engines let a constant expression read (WebAssembly 2.0, Constant
/// Expressions, against 3.0). So the constant is written in its place: the result asks for no newer engine than its inputs.
struct ConstantGlobals {
  enum Value {
    /// Of an integer type.
    case number(UInt64, is64: Bool)
    /// One instruction, as it stands in the initial value of a global of this unit.
    case instruction(Fragment, Unit)
  }

  /// By the index in the result, behind the imports.
  private var values: [Value?] = []
  /// The first global behind the imports.
  private let firstDefined: OutputGlobalIndex
  private let program: Program

  init(_ program: Program) {
    self.program = program
    let indices = program.indices
    firstDefined = indices.importCounts.globals
    values.reserveCapacity(indices.globals.count)
    // A global comes behind those that its initial value reads.
    for reference in indices.globals {
      values.append(value(of: program.resolution.units[reference.unit], Int(reference.index)))
    }
  }

  /// The constant that a `global.get` gives, if that is one.
  func value(of edit: Relocation, in unit: Unit) -> Value? {
    edit.encoding.isGlobalGet ? value(of: unit.symbolIDs[edit.symbol]) : nil
  }

  private func value(of id: SymbolID) -> Value? {
    guard case .global(let index) = program.values[Int(id)].answer, index >= firstDefined else { return nil }
    // What stands behind are addresses that code reads, and those of exports.
    return values[checked: index - firstDefined] ?? nil
  }

  private func value(of unit: Unit, _ index: Int) -> Value? {
    let global = unit.globals[index]
    guard !global.type.isMutable else { return nil }
    if let number = program.decidedValue(ofGlobal: index, of: unit) {
      return global.type.isInteger ? .number(number, is64: global.type.valueType == 0x7E) : nil
    }
    if global.type.isInteger { return sum(global, unit) }
    let expression = global.initializer
    guard let instruction = onlyInstruction(of: expression, unit) else { return nil }
    switch instruction.opcode {
    case .f32Const, .f64Const, .v128Const, .refNull, .refFunc:
      var fragment = expression
      fragment.size -= 1
      return .instruction(fragment, unit)
    case .globalGet:
      return value(of: unit.relocations[Int(expression.relocations.start)], in: unit)
    default: return nil
    }
  }

  /// The instruction of an expression that has no other.
  private func onlyInstruction(of expression: Fragment, _ unit: Unit) -> Instruction? {
    var reader = InstructionReader(unit.file.reader(of: Extent(start: expression.start, size: expression.size)))
    guard let instruction = try? reader.next(), instruction.end + 1 == Int(expression.start) + Int(expression.size)
    else {
      return nil
    }
    return instruction
  }

  /// What integers add up to.
  private func sum(_ global: GlobalVariable, _ unit: Unit) -> Value? {
    guard let facts = unit.lifted else { return nil }
    let sum = SymbolicEvaluator.value(of: global.initializer, in: unit.file) { index in
      let id = unit.symbolIDs[facts.symbol(index)]
      guard case .number(let number, _) = value(of: id) else { return nil }
      return .number(Int64(bitPattern: number))
    }
    guard let sum, sum.base == .number else { return nil }
    return .number(UInt64(bitPattern: sum.addend), is64: global.type.valueType == 0x7E)
  }
}
