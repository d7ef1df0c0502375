import WebAssemblyFormat

/// Registers the types of the result, in order: those that code names, then of imports, functions and tags.
struct TypePass {
  let resolution: Resolution
  let threads: Threads

  /// Runs the pass.
  func run(_ demands: Demands, _ imports: Imports, _ numbering: Numbering) -> OutputTypes {
    var types = OutputTypes()
    func register(_ type: TypeID) { _ = types.register(type, of: resolution.types) }
    for type in demands.types { register(type) }
    for entry in imports.entries {
      if let type = resolution.symbol(entry.symbol).type { register(type) }
    }
    for part in typesOfFunctions(numbering) {
      for type in part { register(type) }
    }
    for tag in numbering.tags {
      let unit = resolution.units[tag.unit]
      register(unit.typeIDs[unit.tags[Int(tag.index)].type])
    }
    return types
  }

  /// The types of functions by unit, in the order of the functions, each once.
  private func typesOfFunctions(_ numbering: Numbering) -> [[TypeID]] {
    let units = resolution.units
    let functions = numbering.functions
    var runs: [Range<Int>] = []
    for position in functions.indices where position == 0 || functions[position - 1].unit != functions[position].unit {
      if let last = runs.popLast() { runs.append(last.lowerBound..<position) }
      runs.append(position..<functions.count)
    }
    return threads.map(runs.count, batch: 4) { [runs] run in
      let unit = units[functions[runs[run].lowerBound].unit]
      let (own, typeIDs) = (unit.functions, unit.typeIDs)
      var seen = Row<UnitTypes, Bool>(repeating: false, count: typeIDs.count)
      var types: [TypeID] = []
      for function in functions[runs[run]] {
        let type = own[Int(function.index)].type
        if !seen[type] {
          seen[type] = true
          types.append(typeIDs[type])
        }
      }
      return types
    }
  }
}
