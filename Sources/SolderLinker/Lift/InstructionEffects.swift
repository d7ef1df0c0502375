import WebAssemblyFormat

extension InputModule {
  /// What an instruction takes from the stack and leaves there; `nil` for those that may go elsewhere.
  func effect(of instruction: Instruction) -> StackEffect? {
    if let effect = instruction.opcode.stackEffect { return effect }
    guard instruction.opcode == .call || instruction.opcode == .callIndirect else { return nil }
    return effect(ofCall: instruction)
  }

  /// What a call, of a function or by way of the table, takes from the stack, and what it returns: there or, if it is a
  /// tail call, to the caller; `nil` for other calls.
  func effect(ofCall instruction: Instruction) -> StackEffect? {
    let imported = functionImports.count
    let type: TypeIndex
    var index = 0
    switch instruction.opcode {
    case .call, .returnCall:
      guard instruction.first < imported + functions.count else { return nil }
      let callee = Int(instruction.first)
      type = callee < imported ? functionImports[callee].type : functions[callee - imported].type
    case .callIndirect, .returnCallIndirect:
      type = TypeIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
      index = 1
    default: return nil
    }
    guard let signature = types.functionType(type) else { return nil }
    return StackEffect(signature.parameters.count + index, signature.results.count)
  }

  /// The parameters and results of a block; `nil` if they are not known.
  func arity(ofBlock instruction: Instruction) -> StackEffect? {
    var reader = file.bytes[instruction.operandOffset..<instruction.end]
    guard let type = try? reader.s33() else { return nil }
    // 0x40, of seven bits with a sign, is nothing; other negative numbers are types of values.
    guard type >= 0 else { return StackEffect(0, type == -0x40 ? 0 : 1) }
    guard let signature = types.functionType(TypeIndex(rawValue: UInt32(truncatingIfNeeded: type))) else { return nil }
    return StackEffect(signature.parameters.count, signature.results.count)
  }

  /// How many values an exception with a tag carries; `nil` if there is no such tag.
  func valueCount(ofTag tag: Int64) -> Int? {
    guard let index = Int(exactly: tag), index >= 0, index < tagImports.count + tags.count else { return nil }
    let type = index < tagImports.count ? tagImports[index].type : tags[index - tagImports.count].type
    return type.flatMap { types.functionType($0)?.parameters.count }
  }

  /// Whether `try_table` lets no exception pass.
  func catchesAll(_ instruction: Instruction) -> Bool {
    var reader = file.bytes[instruction.operandOffset..<instruction.end]
    guard (try? reader.s33()) != nil, let count = try? reader.count(minimumSize: 2) else { return false }
    for _ in 0..<count {
      guard let kind = try? reader.byte(), kind < 2 else { return true }
      guard (try? reader.u32()) != nil, (try? reader.u32()) != nil else { return false }
    }
    return false
  }

  /// Where the exceptions go that `try_table` catches, as labels around it; `nil` if it cannot be read.
  func catchLabels(of instruction: Instruction) -> [Int]? {
    var reader = file.bytes[instruction.operandOffset..<instruction.end]
    guard (try? reader.s33()) != nil, let count = try? reader.count(minimumSize: 2) else { return nil }
    var labels: [Int] = []
    for _ in 0..<count {
      guard let kind = try? reader.byte() else { return nil }
      if kind < 2, (try? reader.u32()) == nil { return nil }
      guard let label = try? reader.u32() else { return nil }
      labels.append(Int(label))
    }
    return labels
  }
}
