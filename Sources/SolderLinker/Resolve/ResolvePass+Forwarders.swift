import WebAssemblyFormat

/// The unit of forwarders, while the form of its calls is to be chosen.
struct ForwarderPlace: Sendable {
  let unit: UnitID
  let maker: ForwarderModule
}

extension ResolvePass {
  /// Adds the functions that have the further slots of others, where libraries become objects; see `ForwarderModule.swift`.
  mutating func addForwarders(_ register: NameRegister) {
    var made: [ForwarderModule.Forwarder] = []
    var bound: [(unit: UnitID, own: FunctionBlock.Forwarder)] = []
    for unit in resolver.units {
      guard let facts = unit.lifted else { continue }
      for forwarder in facts.functionBlock.forwarders {
        let stated = unit.symbols[Int(facts.symbol(forwarder.function))]
        // Others are refused where the function itself is (`ObjectFormatCheck.swift`).
        guard let type = stated.type.map({ unit.typeIDs[$0] }), resolver.types[type].isPlain,
          let type = resolver.types.functionType(of: type)
        else { continue }
        let name = names.intern("\(stated.name).slot\(forwarder.slot)")
        made.append(ForwarderModule.Forwarder(name: name, type: type, unit: unit.index))
        bound.append((unit.index, forwarder))
      }
    }
    if made.isEmpty { return }
    let maker = ForwarderModule(forwarders: made, is64: resolver.is64, names: register, arena: names)
    let index = UnitID(resolver.units.count)
    forwarders = ForwarderPlace(unit: index, maker: maker)
    resolver.add(maker.make().module)
    for (position, (library, own)) in bound.enumerated() {
      guard let facts = resolver.units[library].lifted else { continue }
      bind(maker.target(of: position), of: index, to: resolver.symbolIDs[Int(library)][Int(facts.symbol(own.function))])
      bind(own.symbol, of: library, to: resolver.symbolIDs[Int(index)][position])
    }
  }

  /// Gives a symbol of a unit another meaning than its own, which nobody has then.
  private mutating func bind(_ symbol: SymbolIndex, of unit: UnitID, to id: SymbolID) {
    let own = resolver.symbolIDs[Int(unit)][Int(symbol)]
    resolver.table.symbols[own].attributes.remove(.usedInRegularUnit)
    resolver.symbolIDs[Int(unit)][Int(symbol)] = id
  }
}
