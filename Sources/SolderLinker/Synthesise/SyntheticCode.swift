import WebAssemblyFormat

/// Writes the bodies of the functions that the linker makes, when all indices and addresses are final.
struct SyntheticCode {
  let program: Program

  /// The bodies of all synthetic functions, each with its size in front; empty for those not in the result.
  func bodies() -> [[UInt8]] {
    let unit = program.resolution.units[.own]
    return program.resolution.synthetic.bodies.enumerated().map { index, body in
      let id = unit.bases.function + index
      guard program.indices.functionIndices[id] != .none else { return [] }
      var writer = ByteWriter()
      writer.sized { write(body, function: unit.functions[index], unit, to: &$0) }
      return writer.bytes
    }
  }

  private func write(_ body: SyntheticBody, function: Function, _ unit: Unit, to writer: inout ByteWriter) {
    switch body {
    case .initializeMemory: InitMemoryCode(program: program).write(to: &writer)
    case .initializeTLS: writeInitializeTLS(to: &writer)
    case .initializeLibraryTLS(let unit): writeInitializeTLS(of: program.resolution.units[unit], to: &writer)
    case .firstInstance: writeFirstInstance(to: &writer)
    case .writeSegments(let unit): LateSegmentCode(program, program.resolution.units[unit]).write(to: &writer)
    case .applyDataRelocations, .applyTLSRelocations:
      writer.count(0)
      RelocationCode(program: program).writeData(to: &writer, isTLS: isTLS(body))
    case .applyGlobalRelocations, .applyGlobalTLSRelocations:
      writer.count(0)
      RelocationCode(program: program).writeGlobals(to: &writer, isTLS: isTLS(body))
    default:
      writer.count(0)
      writeCalls(body, type: unit.typeIDs[function.type], to: &writer)
    }
    writer.byte(0x0B)
  }

  private func isTLS(_ body: SyntheticBody) -> Bool {
    switch body {
    case .applyTLSRelocations, .applyGlobalTLSRelocations: true
    default: false
    }
  }

  private func writeCalls(_ body: SyntheticBody, type: TypeID, to writer: inout ByteWriter) {
    switch body {
    case .trap: writer.byte(0x00)
    case .callConstructors: writeConstructors(to: &writer)
    case .callDestructors: writeDestructors(to: &writer)
    case .callAll(let functions):
      for id in functions { call(id, &writer) }
    case .startAll:
      for id in program.indices.startFunctions { call(id, &writer) }
    case .commandExport(let id): wrap(id, type, runsDestructors: true, &writer)
    case .entry(let id, let runsDestructors): wrap(id, type, runsDestructors: runsDestructors, &writer)
    default: break
    }
  }

  /// Calls all constructors, once if they might be called again.
  private func writeConstructors(to writer: inout ByteWriter) {
    let once = program.memory.constructorsFlag.map(once)
    once?.begin(&writer)
    if let variable = program.indices.constructorsHaveRun {
      let index = program.index(of: variable)
      writer.byte(0x23)
      writer.u32(index)
      writer.raw([0x04, 0x40, 0x0F, 0x0B, 0x41, 0x01, 0x24])  // if, return, end, i32.const 1, global.set
      writer.u32(index)
    }
    for id in program.indices.start.constructors {
      call(id, &writer)
      for _ in 0..<program.signature(of: program.symbol(id).type).results { writer.byte(0x1A) }
    }
    once?.end(&writer)
  }

  /// Takes down everything in the reverse order of its construction.
  private func writeDestructors(to writer: inout ByteWriter) {
    if let program = program.resolution.wellKnown.destructorsOfAll?.program { call(program, &writer) }
    for id in program.indices.start.destructors { call(id, &writer) }
  }

  private func once(_ address: UInt64) -> OnceCode {
    let is64 = program.is64
    return OnceCode { $0.pointerConstant(address, is64: is64) }
  }

  /// What libraries have to do that threads share.
  private func writeFirstInstance(to writer: inout ByteWriter) {
    writer.count(0)
    let start = program.indices.start
    let once = program.memory.firstInstanceFlag.map(once)
    once?.begin(&writer)
    for id in start.inFirstInstance { call(id, &writer) }
    for index in start.firstThread {
      let unit = program.resolution.units[index]
      guard let facts = unit.lifted, let data = facts.threadLocal,
        let function = program.indices.threadLocalSetUp[index]
      else { continue }
      let block = program.blockAddress(of: unit)
      writer.pointerConstant(block &+ data.firstThread, is64: program.is64)
      call(function, &writer)
    }
    once?.end(&writer)
  }

  /// Calls a function between constructors and destructors, with the parameters of the wrapper.
  private func wrap(_ id: SymbolID, _ type: TypeID, runsDestructors: Bool, _ writer: inout ByteWriter) {
    if program.live.hasConstructors, let caller = program.resolution.wellKnown.callConstructors {
      call(caller, &writer)
    }
    passParameters(type, &writer)
    call(id, &writer)
    if runsDestructors, let destructors = program.resolution.wellKnown.callDestructors { call(destructors, &writer) }
  }

  private func passParameters(_ type: TypeID, _ writer: inout ByteWriter) {
    for index in 0..<program.signature(of: type).parameters {
      writer.byte(0x20)
      writer.count(index)
    }
  }

  private func call(_ id: SymbolID, _ writer: inout ByteWriter) {
    writer.byte(0x10)
    writer.u32(program.index(of: id))
  }

  /// Sets `__tls_base` to the block given, copies the initial data there, and relocates it; libraries do the same with
  /// their parts of it.
  private func writeInitializeTLS(to writer: inout ByteWriter) {
    writer.count(0)
    let (known, setUp) = (program.resolution.wellKnown, program.indices.setUp)
    if let index = program.memory.segments.firstIndex(where: { $0.isThreadLocal }), let base = known.tlsBase {
      writer.raw([0x20, 0x00, 0x24])
      writer.u32(program.index(of: base))
      writer.raw([0x20, 0x00, 0x41, 0x00, 0x41])
      writer.s64(Int64(program.memory.segments[index].size))
      writer.raw([0xFC, 0x08])
      writer.count(index)
      writer.byte(0x00)
    }
    if let relocate = setUp.applyTLSRelocations { call(relocate, &writer) }
    for block in program.memory.threadLocalBlocks {
      writer.raw([0x20, 0x00])
      writer.pointerConstant(block.offset, is64: program.is64)
      writer.byte(program.is64 ? 0x7C : 0x6A)
      call(block.initialize, &writer)
    }
    // Global variables may hold addresses in the libraries' parts.
    if let relocate = setUp.applyGlobalTLSRelocations { call(relocate, &writer) }
  }

  /// Does for a library what its own function would do if it had one, or if that knew the variable.
  private func writeInitializeTLS(of unit: Unit, to writer: inout ByteWriter) {
    writer.count(0)
    guard let facts = unit.lifted, let data = facts.threadLocal,
      let base = program.resolution.threadLocalBase(of: unit)
    else { return }
    writer.raw([0x20, 0x00, 0x24])
    writer.u32(program.index(of: base))
    writer.raw([0x20, 0x00])
    if let function = data.initialize { return call(unit.symbolIDs[facts.symbol(function)], &writer) }
    writer.raw([0x41, 0x00, 0x41])
    writer.s64(Int64(Int32(truncatingIfNeeded: data.size)))
    writer.raw([0xFC, 0x08])
    writer.u32(program.index(ofSegment: data.segment, of: unit).rawValue)
    writer.byte(0x00)
    for function in data.relocationFunctions {
      call(unit.symbolIDs[facts.symbol(function)], &writer)
    }
  }
}
