import WebAssemblyFormat

// The order of functions, globals and tags in the result: that of the link, the linker's own first.
extension IndexPass {
  mutating func numberElements() {
    let units = [resolution.units[0]] + resolution.inLinkOrder
    plan.functionIndices = Array(repeating: none32, count: live.functions.count)
    plan.globalIndices = Array(repeating: none32, count: live.globals.count)
    plan.tagIndices = Array(repeating: none32, count: live.tags.count)
    plan.tableIndices = Array(repeating: none32, count: live.tables.count)
    plan.elementIndices = Array(repeating: none32, count: live.elements.count)
    numberFunctions(of: resolution.units[0])
    for id in firstFunctions { numberFunction(id) }
    for unit in resolution.inLinkOrder { numberFunctions(of: unit) }
    for id in lastFunctions { numberFunction(id) }
    for unit in units {
      for index in unit.globals.indices where isPresent(global: unit.bases.global + UInt32(index)) {
        numberGlobal(ElementReference(unit: unit.index, index: UInt32(index)))
      }
    }
    for id in plan.addressGlobals {
      plan.addressGlobalIndices[id] =
        plan.importCounts.globals + UInt32(plan.globals.count) + UInt32(numberedAddressGlobals)
      numberedAddressGlobals += 1
    }
    for unit in units {
      for index in unit.tags.indices where live.tags[Int(unit.bases.tag) + index] {
        plan.tagIndices[Int(unit.bases.tag) + index] = plan.importCounts.tags + UInt32(plan.tags.count)
        plan.tags.append(ElementReference(unit: unit.index, index: UInt32(index)))
      }
    }
    numberTables()
    numberElementSegments()
  }

  /// Numbers what is live of a unit's functions.
  private mutating func numberFunctions(of unit: Unit) {
    for index in unit.functions.indices where live.functions[Int(unit.bases.function) + index] {
      number(functionOf: unit.index, unit.bases.function, index)
    }
  }

  /// Numbers one of the linker's own functions, which may be live because a file knows its name.
  private mutating func numberFunction(_ id: SymbolID) {
    let (element, base) = (resolution.symbol(id).element, resolution.units[0].bases.function)
    if plan.functionIndices[Int(element)] == none32 { number(functionOf: 0, base, Int(element - base)) }
  }

  private mutating func number(functionOf unit: UInt32, _ base: UInt32, _ index: Int) {
    plan.functionIndices[Int(base) + index] = plan.importCounts.functions + UInt32(plan.functions.count)
    plan.functions.append(ElementReference(unit: unit, index: UInt32(index)))
  }

  private func isPresent(global id: UInt32) -> Bool {
    live.globals[Int(id)] || neededGlobals.contains(id)
  }

  /// Numbers a global behind those that its initial value names, since a constant expression may only name globals that
  /// come before it; a module may have imported them from one that follows in the link.
  private mutating func numberGlobal(_ global: ElementReference) {
    var stack: [(global: ElementReference, next: Int)] = [(global, 0)]
    var begun: Set = [Int(resolution.units[Int(global.unit)].bases.global + global.index)]
    while let (current, next) = stack.last {
      let unit = resolution.units[Int(current.unit)]
      let id = Int(unit.bases.global + current.index)
      let relocations = unit.globals[Int(current.index)].initializer.relocations
      guard plan.globalIndices[id] == none32, Int(relocations.start) + next < Int(relocations.end) else {
        stack.removeLast()
        guard plan.globalIndices[id] == none32 else { continue }
        plan.globalIndices[id] = plan.importCounts.globals + UInt32(plan.globals.count)
        plan.globals.append(current)
        continue
      }
      stack[stack.count - 1].next += 1
      let relocation = unit.relocations[Int(relocations.start) + next]
      guard relocation.kind == .globalIndexLEB else { continue }
      let symbol = resolution.symbol(unit.symbolIDs[Int(relocation.target)])
      guard symbol.kind == .global, symbol.isDefined, plan.globalIndices[Int(symbol.element)] == none32 else {
        continue
      }
      if !begun.insert(Int(symbol.element)).inserted {
        diagnostics.error("\(unit.file.displayName): the initial value of a global depends on itself")
        return
      }
      let owner = resolution.units[Int(symbol.unit)]
      stack.append((ElementReference(unit: owner.index, index: symbol.element - owner.bases.global), 0))
    }
  }
}
