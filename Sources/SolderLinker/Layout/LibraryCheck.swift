import WebAssemblyFormat

/// Tells of libraries that are not what they were meant to be, as far as that shows: nothing fails, and the result does
/// something else.
struct LibraryCheck {
  let resolution: Resolution
  let live: Liveness
  let memory: MemoryPlan
  let imports: Imports
  let options: LinkOptions
  let diagnostics: Diagnostics

  func run() {
    let wanted = wantedOfHost()
    for unit in resolution.inLinkOrder where unit.contracts.isThereForOthers {
      warnOfLostConstructors(unit)
      warnOfNothing(unit, wanted)
    }
    if diagnostics.warnsOfForeignMemory { warnOfForeignMemories() }
    if diagnostics.warnsOfTwoHeaps { warnOfTwoHeaps() }
  }

  /// A whole module that allocates from its `__heap_base` on, and an allocator that does so too: each gives away what the
  /// other has given.
  private func warnOfTwoHeaps() {
    guard let id = resolution.table.find("__heap_base"), live.referenced[Int(id)] else { return }
    func isTold(_ unit: Unit) -> Bool {
      live.units[Int(unit.index)] && unit.symbols.contains { $0.name == "__heap_base" && $0.isUndefined }
    }
    // A number in the code is read too.
    let readers = resolution.inLinkOrder.filter {
      $0.contracts.keepsMemory && ($0.readsHeapBase || $0.index == memory.keptHeap) || isTold($0)
    }
    guard let module = readers.first(where: \.contracts.keepsMemory),
      let other = readers.first(where: { $0 !== module && (isTold($0) || isTold(module)) })
    else { return }
    let (file, second) = (module.file.displayName, other.file.displayName)
    diagnostics.warn(
      "\(file) and \(second) both read __heap_base: if both have a heap there, each gives away what the other uses (let one "
        + "ask the other for memory; --no-warn-two-heaps)", .memory, symbol: "__heap_base", in: file, second)
  }

  /// `wasm-ld -shared --no-entry` leaves the function that calls constructors where nobody finds it.
  private func warnOfLostConstructors(_ unit: Unit) {
    guard let facts = unit.lifted, facts.constructors.isEmpty else { return }
    for (index, function) in unit.functions.enumerated() where function.name == "__wasm_call_ctors" {
      let symbol = facts.symbol(FunctionIndex(unit.functionImports.count + index))
      // A body of two bytes does nothing.
      guard function.body.size > 2, !unit.exports.contains(where: { $0.kind == .function && $0.name == function.name }),
        !unit.relocations.contains(where: { $0.kind == .functionIndexLEB && $0.symbol == symbol })
      else { continue }
      let file = unit.file.displayName
      diagnostics.warn(
        "\(file): its constructors do not run: nothing exports or calls its __wasm_call_ctors (link it with "
          + "--export=__wasm_call_ctors, or without --no-entry)", .startUp, symbol: function.name, in: file)
    }
  }

  /// What whole modules leave to the host under the name that libraries have, unless the host is known to be meant.
  private func wantedOfHost() -> Set<ByteString> {
    if options.hostModules.contains("env") { return [] }
    return Set(imports.leftToHost(resolution).lazy.filter { $0.module == "env" }.map(\.name))
  }

  /// A library that others cannot use, while something is missing or the program is to open it. What it has of a missing
  /// name, `HostImportCheck` tells.
  private func warnOfNothing(_ unit: Unit, _ wanted: Set<ByteString>) {
    guard let facts = unit.lifted, unit.module.exportsNothing, unit.functionsAtStart.isEmpty,
      facts.constructors.isEmpty,
      facts.destructors == nil,
      unit.contracts.isOnlyOpened || !wanted.isEmpty, !unit.symbols.contains(where: { wanted.contains($0.name) })
    else { return }
    let file = unit.file.displayName
    diagnostics.warn(
      "\(file) exports nothing, so that nothing can use it (build it with -fvisibility=default)", .unresolvedImport,
      in: file)
  }

  /// A whole module keeps its own memory, and what it calls may work in the program's: addresses that it passes mean other
  /// bytes there.
  private func warnOfForeignMemories() {
    guard let main = resolution.memories.main else { return }
    let owner = resolution.memories.mainMemory?.definition.map { resolution.units[$0.unit].file.displayName }
    for unit in resolution.inLinkOrder where unit.contracts.keepsMemory {
      let memories = resolution.memories.indices(in: unit)
      guard !memories.isEmpty, !memories.contains(main), let call = callOfProgramMemory(unit) else { continue }
      let (file, callee) = (unit.file.displayName, resolution.units[call.definer].file.displayName)
      diagnostics.warn(
        "\(file): calls \(options.displayName(of: call.name)) of \(callee), which works in "
          + "\(owner.map { "the memory of \($0)" } ?? "the program's memory"), but has a memory of its own: an address that it "
          + "passes is another one there (--no-warn-foreign-memory)", .memory, symbol: call.name, in: file, callee)
    }
  }

  /// A function with parameters that may be addresses, of a unit that uses the program's memory.
  private func callOfProgramMemory(_ unit: Unit) -> Symbol? {
    guard let facts = unit.lifted else { return nil }
    let address: ValueType = unit.module.addressWidth == 64 ? .i64 : .i32
    for index in unit.functionImports.indices {
      let symbol = resolution.symbol(unit.symbolIDs[facts.symbol(FunctionIndex(index))])
      guard symbol.isDefined, symbol.kind == .function, let definer = resolution.units[symbol.unit],
        definer.contracts.needsMainMemory, !definer.contracts.keepsMemory, definer.index != .own,
        let type = symbol.type.flatMap({ resolution.types.functionType(of: $0) }), type.parameters.contains(address)
      else { continue }
      return symbol
    }
    return nil
  }
}
