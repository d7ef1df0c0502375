import WebAssemblyFormat

// Thread-local data of shared libraries.
//
// The main thread has a library's thread-local data where it lies in the library's block: the library's start function
// sees to that. For every other thread the program's start-up allocates `__tls_size` bytes and calls `__wasm_init_tls`,
// which knows of the program's own data only. So room for the libraries' follows there, and each library's own
// `__wasm_init_tls` is called with its part of it.

/// The part of each thread's block that belongs to a library.
struct ThreadLocalBlock {
  /// The library's `__wasm_init_tls`.
  let initialize: SymbolID
  /// Where the part begins, counted from the beginning of the thread's block.
  let offset: UInt64
}

extension Unit {
  /// The size of a library's thread-local data: of the segment that its `__wasm_init_tls` copies.
  fileprivate func threadLocalSize(copiedBy function: UInt32) -> UInt64 {
    let index = Int(function) - functionImports.count
    guard index >= 0, index < functions.count else { return 0 }
    var code = file.reader(of: functions[index].body)
    var nothing = IgnoringVisitor()
    guard (try? scanLocals(&code, &nothing)) != nil else { return 0 }
    var reader = InstructionReader(code)
    var size: UInt64 = 0
    while let instruction = try? reader.next() {
      guard instruction.opcode == .memoryInit, let segment = Int(exactly: instruction.first), segment < segments.count
      else { continue }
      size += segments[segment].size
    }
    return size
  }

  /// Whether the library has thread-local data, which it finds by way of a variable of its own.
  fileprivate var hasThreadLocalBase: Bool {
    globals.contains { $0.type.isMutable && $0.name == "__tls_base" }
  }
}

extension MemoryPlan {
  /// Makes room in each thread's block for the thread-local data of libraries.
  mutating func placeThreadLocalBlocks(_ resolution: Resolution, _ live: Liveness, _ diagnostics: Diagnostics) {
    let type = resolution.table.find("__wasm_init_tls").flatMap { resolution.symbol($0).type }
    for unit in resolution.inLinkOrder where unit.contracts.isSetUpByExports && live.units[Int(unit.index)] {
      guard let facts = unit.lifted else { continue }
      guard let function = facts.initializeTLS else {
        if unit.hasThreadLocalBase {
          diagnostics.warn(
            "\(unit.file.displayName): only the main thread can use the thread-local data of this library, because it "
              + "does not export __wasm_init_tls (link it with --export=__wasm_init_tls)")
        }
        continue
      }
      let id = unit.symbolIDs[Int(facts.functionSymbols + function)]
      guard resolution.symbol(id).type == type else { continue }
      let alignment = UInt64(1) << UInt64(min(unit.dylink?.memoryAlignment ?? 4, 31))
      let offset = (tlsSize + alignment - 1) & ~(alignment - 1)
      let size = unit.threadLocalSize(copiedBy: function)
      if size == 0 { continue }
      threadLocalBlocks.append(ThreadLocalBlock(initialize: id, offset: offset))
      tlsSize = offset &+ size
      tlsAlignment = max(tlsAlignment, alignment)
    }
  }
}
