import WebAssemblyFormat

extension IndexPass {
  /// Memories: the first is everybody's; a second plain module keeps one of its own.
  mutating func numberMemories() {
    let owner = resolution.memoryOwner
    let ownerImports = !(owner?.memoryImports.isEmpty ?? true)
    let hasImportedFirst = options.memoryImport != nil || ownerImports
    plan.importCounts.memories = hasImportedFirst ? 1 : 0
    // Imported memories come first, so imports of all modules are numbered before any definition.
    var defined: [(unit: Unit, index: Int)] = []
    for unit in resolution.inLinkOrder where unit.lifted != nil {
      var indices = [UInt32](repeating: 0, count: unit.memoryImports.count + unit.memories.count)
      let isOwner = unit === owner
      if unit.contracts.keepsMemory {
        for index in unit.memoryImports.indices where !(isOwner && index == 0) {
          let entry = unit.memoryImports[index]
          if resolution.boundMemories[MemoryReference(unit: unit.index, index: UInt32(index))] != nil { continue }
          if !isOwner, entry.module == "env" { continue }
          indices[index] = next(\.memories)
          plan.importedMemories.append(ElementReference(unit: unit.index, index: UInt32(index)))
        }
        for index in unit.memories.indices where !(isOwner && !ownerImports && index == 0) {
          defined.append((unit, index))
        }
      }
      plan.memoryIndices[unit.index] = indices
    }
    var nextIndex = plan.importCounts.memories + (hasImportedFirst ? 0 : 1)
    for (unit, index) in defined {
      plan.memoryIndices[unit.index]?[unit.memoryImports.count + index] = nextIndex
      plan.memories.append(ElementReference(unit: unit.index, index: UInt32(index)))
      nextIndex += 1
    }
    for (reference, target) in resolution.boundMemories {
      guard let index = plan.memoryIndices[target.unit]?[Int(target.index)] else { continue }
      plan.memoryIndices[reference.unit]?[Int(reference.index)] = index
    }
  }
}
