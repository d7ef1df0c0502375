import WebAssemblyFormat

// Whose memory is the memory of the program.

extension Bindings {
  /// The plain module whose memory becomes that of the whole program.
  var memoryOwner: BoundModule? {
    inLinkOrder.first { unit in
      unit.contracts.keepsMemory && !(unit.memories.isEmpty && unit.memoryImports.isEmpty)
        && boundMemories[MemoryReference(unit: unit.index, index: 0)] == nil
    } ?? inLinkOrder.first { $0.contracts.keepsMemory }
  }
}

extension Inputs {
  /// The same, as far as it can be told before names are resolved.
  var likelyMemoryOwner: InputModule? {
    units.first { $0.contracts.keepsMemory && !($0.memories.isEmpty && $0.memoryImports.isEmpty) }
      ?? units.first { $0.contracts.keepsMemory }
  }
}

extension Resolution {
  /// Plain modules beside the owner whose memory 0 is the first memory too, as `env` has it or by the owner's name.
  private var memorySharers: some Sequence<Unit> {
    let owner = memoryOwner
    return inLinkOrder.filter { unit in
      guard unit.contracts.keepsMemory, unit !== owner, let entry = unit.memoryImports.first else { return false }
      guard let target = boundMemories[MemoryReference(unit: unit.index, index: 0)] else {
        return entry.module == "env"
      }
      return target.unit == owner?.index && target.index == 0
    }
  }

  /// What those ask for, in pages.
  var sharedMemoryMinimum: UInt64 {
    memorySharers.map { $0.memoryImports[0].limits.minimum }.max() ?? 0
  }

  /// One past the last byte that they fill.
  var sharedDataEnd: UInt64 { memorySharers.map { $0.lifted?.staticDataEnd ?? 0 }.max() ?? 0 }
}

extension Resolution {
  /// Whether the result has a first memory: objects always come with one, a plain module without memory stays without,
  /// unless something else needs it.
  var needsMainMemory: Bool {
    guard let owner = memoryOwner, owner.memories.isEmpty, owner.memoryImports.isEmpty else { return true }
    return inLinkOrder.contains(where: \.contracts.needsMainMemory)
  }
}

extension Resolution {
  /// Whether the result has a stack: objects always come with one, finished modules only if one of them asks for it.
  var needsStack: Bool {
    guard let stack = wellKnown.stackPointer, memoryOwner != nil else { return true }
    return symbol(stack).has(.usedInRegularUnit)
  }
}

extension Unit {
  var firstMemoryLimits: Limits? { memoryImports.first?.limits ?? memories.first?.limits }

  /// Whether memory 0 of the unit is memory 0 of the result.
  func ownsFirstMemory(in resolution: Resolution) -> Bool {
    !contracts.keepsMemory || resolution.memoryOwner === self
  }
}
