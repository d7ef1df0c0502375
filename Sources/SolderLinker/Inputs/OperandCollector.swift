import WebAssemblyFormat

/// Collects the operands of declarations and constant expressions of a finished module as relocations.
struct OperandCollector: OperandVisitor {
  let isWanted: Bool
  var relocations: [Relocation] = []

  init(isWanted: Bool) { self.isWanted = isWanted }

  var count: UInt32 { UInt32(relocations.count) }

  mutating func operand(_ operand: Operand) throws(FormatError) {
    guard isWanted else { return }
    relocations.append(Relocation(operand))
  }
}

extension Relocation {
  /// An operand found in code, with the raw index as its target. Of `global.get` the whole instruction, which may become
  /// a constant.
  init(_ operand: Operand) {
    let kind: RelocationKind =
      switch operand.kind {
      case .function: .functionIndexLEB
      case .table: .tableNumberLEB
      case .memory: .memoryIndex
      case .global: .globalIndexLEB
      case .tag: .tagIndexLEB
      case .type: .typeIndexLEB
      case .signedType: .signedTypeIndex
      case .data: .dataIndex
      case .element: .elementIndex
      case .implicitMemory: .implicitMemory
      }
    self.init(
      kind, at: UInt32(truncatingIfNeeded: operand.offset), width: UInt8(truncatingIfNeeded: operand.length),
      target: operand.kind == .implicitMemory ? 0 : operand.value)
    if operand.opcode == .globalGet, operand.kind == .global { replaceInstruction(of: operand, by: .globalGet32) }
    // What the field holds beside the memory.
    if operand.kind == .implicitMemory { storedAddend = Int32(bitPattern: operand.value) }
  }

  /// Takes in the opcode in front of the operand.
  mutating func replaceInstruction(of operand: Operand, by encoding: Encoding) {
    offset = UInt32(truncatingIfNeeded: operand.instruction)
    width = UInt8(truncatingIfNeeded: operand.end - operand.instruction)
    self.encoding = encoding
  }
}
