import WebAssemblyFormat

// What plain modules have to say about the main memory.

extension Inputs {
  /// Which finished modules have another memory 0 in the result, as far as it can be told before it is known which
  /// members of archives are in the link.
  func likelyMemories(_ options: LinkOptions, _ names: NameArena) -> [(unit: Unit, movesMemory: Bool)] {
    guard units.contains(where: \.isLifted) else { return [] }
    let binding = MemoryBindingPass(units, options, names, Diagnostics(sink: { _ in })).run()
    return units.indices.map { (units[$0], binding.movesFirstMemory(of: UInt32($0))) }
  }
}

extension Resolution {
  var hasPlainModule: Bool { units.contains { $0.origin == .plainModule } }

  /// Whether the result has a stack: objects always come with one, finished modules only if one of them asks for it.
  var needsStack: Bool {
    guard let stack = wellKnown.stackPointer, hasPlainModule else { return true }
    return symbol(stack).has(.usedInRegularUnit)
  }
}
