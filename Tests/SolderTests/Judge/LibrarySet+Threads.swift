/// Libraries for shared memory, as wasm-ld makes them: all data is in passive segments. The start function of whoever is
/// first copies it, which a word behind the data says, and each thread gets a copy of the thread-local data.
struct ThreadParts {
  /// The variable that holds where this thread's copy is.
  var base = 0
  /// What allocates it, for libraries that call it.
  var allocate = 0
}

extension LibraryWriter {
  private var size: Int { library.threadCells.count * width }
  private var hasData: Bool { !library.cells.isEmpty || !library.threadCells.isEmpty }
  private var hasVariable: Bool { !library.isOptimized || steps.contains(where: \.countsFromThread) }
  /// Where the word is that says whether the data was copied.
  private var flag: Int { place(library.cells.count) }
  /// Bytes of the library's block.
  var blockSize: Int { whole.isThreaded && hasData ? flag + 4 : library.cells.count * width }

  mutating func importThreadParts() {
    guard library.threadSetUp == .allocating, !library.threadCells.isEmpty else { return }
    threads.allocate = builder.importFunction("host", "allocate", [address, address], [address])
  }

  mutating func declareThreadData() {
    builder.targetFeatures(["+atomics", "+bulk-memory"])
    if hasVariable {
      threads.base = builder.global(
        address, isMutable: true, [number(0)], name: library.hasNames ? "__tls_base" : nil)
    }
    for (name, cell) in library.threadExports { builder.global(address, [number(cell * width)], export: name) }
  }

  /// The segments, and the functions that copy them.
  mutating func addThreadData() {
    guard hasData else { return }
    func name(_ name: String) -> String? { library.hasNames ? name : nil }
    var copies: [WasmInstruction] = []
    if !library.threadCells.isEmpty {
      let segment = builder.data(.passive, bytes(of: library.threadCells))
      if library.hasNames { builder.dataNames[segment] = ".tdata" }
      addThreadSetUp(segment)
      if library.startsFirstThread {
        copies += [number(0), .globalGet(memoryBase), add]
        if hasVariable { copies += [.localTee(1), .globalSet(threads.base), .localGet(1)] }
        copies += [.i32Const(0), .i32Const(Int32(size)), .memoryInit(segment)]
      }
    }
    var drops: [WasmInstruction] = []
    for (start, bytes) in pieces {
      let segment = builder.data(.passive, bytes)
      copies += [.globalGet(memoryBase), number(start), add, .i32Const(0), .i32Const(Int32(bytes.count))]
      copies.append(.memoryInit(segment))
      drops.append(.dataDrop(segment))
    }
    let atomic = { (code: UInt8, align: UInt8) in WasmInstruction.raw(0xFE, code, align, 0) }
    let begin: [WasmInstruction] = [
      number(flag), .globalGet(memoryBase), add, .localSet(0), .block(), .block(), .block(), .localGet(0),
      .i32Const(0), .i32Const(1), atomic(0x48, 2), .raw(0x0E, 2, 0, 1, 2), .end,
    ]
    let finish: [WasmInstruction] = [
      .localGet(0), .i32Const(2), atomic(0x17, 2), .localGet(0), .i32Const(-1), atomic(0, 2), .drop, .br(1), .end,
      .localGet(0), .i32Const(1), .i64Const(-1), atomic(1, 2), .drop, .end,
    ]
    builder.start = builder.function(
      locals: [address, address], name: name("__wasm_init_memory"), begin + copies + finish + drops)
  }

  private mutating func addThreadSetUp(_ segment: Int) {
    var code: [WasmInstruction] = hasVariable ? [.localGet(0), .globalSet(threads.base)] : []
    code += [.localGet(0), .i32Const(0), .i32Const(Int32(size)), .memoryInit(segment)]
    let base: WasmInstruction = library.isOptimized ? .localGet(0) : .globalGet(threads.base)
    let relocations = relocations(of: library.threadCells, at: 0, from: base)
    if library.isOptimized {
      code += relocations
    } else if !relocations.isEmpty {
      let relocate = builder.function(name: library.hasNames ? "__wasm_apply_tls_relocs" : nil, relocations)
      code.append(.call(relocate))
    }
    let initialize = builder.function(
      [address], export: library.threadSetUp == .exported ? "__wasm_init_tls" : nil,
      name: library.hasNames ? "__wasm_init_tls" : nil, code)
    guard library.threadSetUp == .allocating else { return }
    builder.function(
      [], [address], locals: [address], export: "_emscripten_tls_init",
      [
        number(64), number(size), .call(threads.allocate), .localTee(0), .call(initialize), .localGet(0),
      ])
  }

  mutating func writeThreadStep(_ step: LibrarySet.Step) {
    switch step {
    case .loadThread(let cell):
      let (base, offset) = address(cell * width, from: threads.base)
      mix(base + [.i32Load(offset: offset)])
    case .storeThread(let cell):
      let (base, offset) = address(cell * width, from: threads.base)
      code += base + [.localGet(result), .i32Store(offset: offset)]
    case .loadThroughThread(let cell):
      guard library.threadCells[cell].isPointer else { return }
      let (base, offset) = address(cell * width, from: threads.base)
      mix(base + [load(offset), .i32Load()])
    case .loadThreadName(let name): mix([.globalGet(addresses[name] ?? 0), .i32Load()])
    case .storeThreadName(let name): code += [.globalGet(addresses[name] ?? 0), .localGet(result), .i32Store()]
    case .isThreadAddress(let name, let cell):
      let (base, _) = address(cell * width, from: threads.base)
      guard base.count > 1 else { return }
      mix(base + [.globalGet(addresses[name] ?? 0), whole.is64 ? .i64Eq : .i32Eq])
    default: break
    }
  }
}

extension LibrarySet.Step {
  /// Whether it reads the variable that says where a thread's copy is.
  fileprivate var countsFromThread: Bool {
    switch self {
    case .loadThread, .storeThread, .loadThroughThread, .isThreadAddress: true
    default: false
    }
  }
}
