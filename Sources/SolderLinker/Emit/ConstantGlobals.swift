import WebAssemblyFormat

/// What the immutable globals of the result hold, as far as that is one constant.
///
/// A module may read an imported global in a constant expression. When another module of the link defines that global, it
/// becomes one of the result's own, which only newer engines let a constant expression read (WebAssembly 2.0, Constant
/// Expressions, against 3.0). So the constant is written in its place: the result asks for no newer engine than its inputs.
/// A constant is also what the host gives, and what is made of constants, but for new objects: each is one of its own.
struct ConstantGlobals {
  enum Value {
    /// Of an integer type.
    case number(UInt64, is64: Bool)
    /// An expression without its end, as it stands in the initial value of a global of this unit; and whether it is one
    /// instruction.
    case expression(Fragment, Unit, isOne: Bool)
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
    edit.encoding.isGlobalGet ? value(of: unit.symbolIDs[edit.namedSymbol]) : nil
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
    if global.type.isInteger, let sum = sum(global, unit) { return sum }
    return constant(global.initializer, unit)
  }

  /// An expression that gives the same wherever it stands, in front of all globals of the result too.
  private func constant(_ expression: Fragment, _ unit: Unit) -> Value? {
    var reader = InstructionReader(unit.file.reader(of: Extent(start: expression.start, size: expression.size)))
    var (count, reads) = (-1, 0)
    while reader.depth > 0 {
      guard let instruction = try? reader.next(), !instruction.opcode.makesObject else { return nil }
      count += 1
      if instruction.opcode == .globalGet { reads += 1 }
    }
    for index in expression.relocations.indices where unit.relocations[index].encoding.isGlobalGet {
      let edit = unit.relocations[index]
      reads -= 1
      if isImport(edit, in: unit) { continue }
      guard let value = value(of: edit, in: unit) else { return nil }
      if count == 1 { return value }
      // What is made of others in several steps stays where it is, or expressions would grow from one to the next.
      if case .expression(_, _, isOne: false) = value { return nil }
    }
    return reads == 0 ? .expression(expression.withoutLastByte, unit, isOne: count == 1) : nil
  }

  private func isImport(_ edit: Relocation, in unit: Unit) -> Bool {
    guard case .global(let index) = program.values[Int(unit.symbolIDs[edit.namedSymbol])].answer else { return true }
    return index < firstDefined
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

  // MARK: Tables

  /// Tables come in front of all globals: refuses those that begin with what a global of the result is to hold.
  static func checkTables(_ program: Program, _ diagnostics: Diagnostics) {
    let units = program.resolution.units
    let initialized = program.indices.tables.filter { units[$0.unit].tables[Int($0.index)].initializer != nil }
    if initialized.isEmpty { return }
    let constants = ConstantGlobals(program)
    for reference in initialized {
      let unit = units[reference.unit]
      let table = unit.tables[Int(reference.index)]
      for index in table.initializer?.relocations.indices ?? 0..<0 {
        let edit = unit.relocations[index]
        guard edit.encoding.isGlobalGet, !constants.isImport(edit, in: unit), constants.value(of: edit, in: unit) == nil
        else { continue }
        let global = program.symbol(unit.symbolIDs[edit.namedSymbol])
        let owner = global.unit.map { units[$0].file.displayName } ?? "<internal>"
        diagnostics.error(
          "\(unit.file.displayName): table \(table.name.isEmpty ? "\(reference.index)" : "'\(table.name)'") begins with what "
            + "the global '\(program.options.displayName(of: global.name))' of \(owner) holds, "
            + "which the result makes behind all tables (let it begin with null, and fill it with an element segment)",
          .table, in: unit.file.displayName)
      }
    }
  }
}

extension Opcode {
  /// Whether it makes an object with an identity, in a constant expression: `struct.new`, `array.new` and the like.
  fileprivate var makesObject: Bool { (0x100...0x108).contains(rawValue) }
}

extension Fragment {
  fileprivate var withoutLastByte: Fragment {
    var result = self
    result.size -= 1
    return result
  }
}
