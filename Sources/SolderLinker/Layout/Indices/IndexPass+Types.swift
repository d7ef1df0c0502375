import WebAssemblyFormat

// The order of types in the result: imports, functions, tags.
extension IndexPass {
  mutating func registerTypes() {
    for entry in plan.imports {
      if let type = resolution.symbol(entry.symbol).type { _ = plan.types.register(type, of: resolution.types) }
    }
    for types in typesOfFunctions() {
      for type in types { _ = plan.types.register(type, of: resolution.types) }
    }
    for tag in plan.tags {
      let unit = resolution.units[Int(tag.unit)]
      _ = plan.types.register(unit.typeIDs[Int(unit.tags[Int(tag.index)].type)], of: resolution.types)
    }
  }

  /// The types of functions by unit, in the order of the functions, each once.
  private func typesOfFunctions() -> [[TypeID]] {
    let units = resolution.units
    let functions = plan.functions
    var runs: [Range<Int>] = []
    for position in functions.indices where position == 0 || functions[position - 1].unit != functions[position].unit {
      if let last = runs.popLast() { runs.append(last.lowerBound..<position) }
      runs.append(position..<functions.count)
    }
    return threads.map(runs.count, batch: 4) { [runs] run in
      let unit = units[Int(functions[runs[run].lowerBound].unit)]
      let (own, typeIDs) = (unit.functions, unit.typeIDs)
      var seen = [Bool](repeating: false, count: typeIDs.count)
      var types: [TypeID] = []
      for function in functions[runs[run]] {
        let type = Int(own[Int(function.index)].type)
        if !seen[type] {
          seen[type] = true
          types.append(typeIDs[type])
        }
      }
      return types
    }
  }
}
