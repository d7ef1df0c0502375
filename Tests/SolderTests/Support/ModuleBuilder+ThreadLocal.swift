extension ModuleBuilder {
  /// A threaded library over twelve bytes of thread-local data, and its variable, its `__memory_base` and what sets up a thread.
  ///
  /// - Parameters:
  ///   - relocate: the body of what relocates a thread's copy.
  ///   - setUp: the body of what sets up a thread, if it is not that of linkers.
  static func threadedLibrary(
    _ relocate: (_ base: Int, _ memoryBase: Int) -> [WasmInstruction],
    setUp: ((_ base: Int, _ apply: Int) -> [WasmInstruction])? = nil
  ) -> (library: ModuleBuilder, base: Int, memoryBase: Int, initialize: Int) {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 32, memoryAlignment: 2))
    library.importMemory("env", "memory", Limits(1, 16, shared: true))
    let memoryBase = library.importGlobal("env", "__memory_base", .i32)
    let base = library.global(.i32, isMutable: true, [.i32Const(0)], name: "__tls_base")
    library.data(.passive, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])
    library.dataNames[0] = ".tdata"
    let apply = library.function([], [], name: "__wasm_apply_tls_relocs", relocate(base, memoryBase))
    let initialize = library.function(
      [.i32], [], export: "__wasm_init_tls",
      setUp?(base, apply)
        ?? [.localGet(0), .globalSet(base), .localGet(0), .i32Const(0), .i32Const(12), .memoryInit(0), .call(apply)])
    library.function([.i32], [.i32], export: "look", [.globalGet(base), .localGet(0), .i32Add, .i32Load()])
    return (library, base, memoryBase, initialize)
  }
}
