import WebAssemblyFormat

extension Inputs {
  /// Which finished modules have another memory 0 in the result, as far as it can be told before it is known which
  /// members of archives are in the link.
  func likelyMemories(_ options: LinkOptions, _ names: NameArena) -> [(unit: InputModule, movesMemory: Bool)] {
    guard units.contains(where: \.contracts.numbersMemories) else { return [] }
    let binding = MemoryBindingPass(units, options, names, Diagnostics(sink: { _ in })).run()
    return units.indices.map { (units[$0], binding.movesFirstMemory(of: UnitID($0))) }
  }
}

extension Resolution {
  /// Whether a module is in the link that has a memory laid out already.
  var keepsMemory: Bool { units.contains(where: \.contracts.keepsMemory) }

  /// Whether the result has a stack: objects always come with one, finished modules only if one of them asks for it.
  var needsStack: Bool {
    guard let stack = wellKnown.stackPointer, keepsMemory else { return true }
    return symbol(stack).has(.usedInRegularUnit)
  }
}
