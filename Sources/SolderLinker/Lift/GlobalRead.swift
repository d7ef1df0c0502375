import WebAssemblyFormat

/// What code reads by `global.get` of one global of a finished module: worked out once for each global, as a library reads
/// the same few a hundred thousand times.
struct GlobalRead {
  /// What becomes of the instruction, but for where it stands.
  private let edit: Relocation
  let value: Value

  enum Value: UInt8 {
    /// A variable, or a number.
    case plain
    /// What depends on where something is placed.
    case symbolic
    /// The same: the library's block of memory, and its block of table slots.
    case memoryBase, tableBase
  }

  private init(_ edit: Relocation, _ value: Value) {
    self.edit = edit
    self.value = value
  }

  /// The edit of one of the instructions.
  @inline(__always)
  func edit(of operand: Operand) -> Relocation {
    var edit = edit
    edit.replaceInstruction(of: operand, by: edit.encoding)
    return edit
  }

  /// What is read of each global of a module's index space.
  static func all(of unit: InputModule, _ facts: LiftedFacts) -> [GlobalRead] {
    (0..<unit.globalImports.count + unit.globals.count).map { index in
      let global = GlobalIndex(index)
      let is64 = unit.globalType(global)?.valueType == 0x7E
      var edit = Relocation(
        .globalIndexLEB, at: 0, width: 0, target: facts.symbol(global).rawValue, encoding: .globalGet(is64: is64))
      // It is one instruction, and no assignment.
      edit.assignsNothing = true
      guard let value = facts.globals[checked: index] ?? nil else { return GlobalRead(edit, .plain) }
      _ = edit.become(value, is64: is64)
      switch value.base {
      case .number: return GlobalRead(edit, .plain)
      case .tableBlock: return GlobalRead(edit, .tableBase)
      case facts.memoryBlock?.base: return GlobalRead(edit, .memoryBase)
      default: return GlobalRead(edit, .symbolic)
      }
    }
  }
}
