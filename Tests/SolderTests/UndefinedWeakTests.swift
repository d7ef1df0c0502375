import Testing

/// What stands in place of weak symbols that nothing defines: address 0 whatever is added to it, as wasm-ld has it.
@Suite struct UndefinedWeakTests {
  /// How an object refers to them.
  enum Form: String, CaseIterable, Sendable {
    /// By addresses, in every kind of operand.
    case absolute
    /// By way of globals that hold addresses.
    case indirect
    /// Counted from `__table_base`.
    case slotFromBase
    /// Counted from `__memory_base`.
    case addressFromBase
    /// Hidden ones, from data.
    case hiddenFromData
  }

  /// An object whose `_start` hands what it gets to `host.show`.
  private func object(_ form: Form, is64: Bool = false) async throws -> String {
    let pointer = is64 ? "i64" : "i32"
    let word = is64 ? ".int64" : ".int32"
    func relative(_ base: String, _ symbol: String) -> String {
      "global.get \(base)\n\(pointer).const \(symbol)\n\(pointer).add\ncall show"
    }
    let code: [Form: String] = [
      .absolute: """
      \(pointer).const 8
      i32.load wd+20
      drop
      \(pointer).const wd+12
      call show
      \(pointer).const wd-4
      call show
      \(pointer).const wd
      call show
      \(pointer).const wf
      call show
      \(pointer).const data
      \(pointer).load 0
      call show
      \(pointer).const data
      \(pointer).load \(is64 ? 8 : 4)
      call show
      """,
      .indirect: """
      global.get wd@GOT
      \(pointer).const 12
      \(pointer).add
      call show
      global.get wf@GOT
      call show
      global.get data@GOT
      \(pointer).load \(is64 ? 8 : 4)
      call show
      """,
      .slotFromBase: relative("__table_base", "hf@TBREL"),
      .addressFromBase: relative("__memory_base", "hd+12@MBREL"),
      .hiddenFromData: "global.get wd@GOT\ncall show\nglobal.get more@GOT\n\(pointer).load 0\ncall show",
    ]
    let text = """
      .functype show (\(pointer)) -> ()
      .import_module show, host
      .import_name show, show
      .functype wf () -> ()
      .weak wf
      .weak wd
      .functype hf () -> ()
      .weak hf
      .hidden hf
      .weak hd
      .hidden hd
      .globaltype __memory_base, \(pointer), immutable
      .globaltype __table_base, \(pointer), immutable
      .section .text._start,"",@
      .globl _start
      .type _start,@function
      _start:
      .functype _start () -> ()
      \(code[form]!)
      block
      \(pointer).const 0
      \(pointer).eqz
      br_if 0
      call wf
      end_block
      end_function
      .section .data.data,"",@
      .globl data
      .p2align 3
      data:
      \(word) wd
      \(word) wd+12
      \(word) wd-4
      \(word) wf
      .size data, \(is64 ? 32 : 16)
      """
    let hidden = """

      .section .data.more,"",@
      .globl more
      .p2align 3
      more:
      \(word) hd+8
      \(word) hf
      .size more, \(is64 ? 16 : 8)
      """
    return try await Toolchain.shared.compiled(
      "weak-\(form)", text + (form == .hiddenFromData ? hidden : "") + "\n",
      ["--target=wasm\(is64 ? 64 : 32)", "-x", "assembler"])
  }

  static let programs: [[String]] = [
    [], ["--emit-relocs"], ["--relocatable"], ["--unresolved-symbols=ignore-all"], ["--allow-undefined"],
    ["--import-undefined"], ["--export-all"], ["--no-gc-sections"], ["--table-base=10"], ["-O0"],
  ]
  static let independent: [[String]] = [
    ["-pie"], ["-shared"], ["-shared", "--emit-relocs"], ["-pie", "--unresolved-symbols=import-dynamic"],
  ]

  @Test(arguments: [Form.absolute, .indirect, .slotFromBase], Reference.allCases)
  func sameBytes(_ form: Form, _ reference: Reference) async throws {
    for is64 in [false, true] {
      let inputs = [try await object(form, is64: is64)] + (is64 ? ["-mwasm64"] : [])
      for options in Self.programs { try await Differential(options + inputs, reference).expectIdentical() }
      guard form == .indirect else { continue }
      for options in Self.independent {
        try await Differential(options + ["--experimental-pic"] + inputs, reference).expectIdentical()
      }
    }
  }

  /// Nothing but a dynamic linker knows addresses outside, and it is not asked for hidden ones.
  @Test(arguments: [Reference.release21, .release22]) func hiddenOnesStayNull(_ reference: Reference) async throws {
    let inputs = [try await object(.hiddenFromData), "--unresolved-symbols=import-dynamic"]
    try await Differential(inputs, reference).expectIdentical()
  }

  @Test(arguments: Form.allCases.filter { $0 != .addressFromBase }, [false, true])
  func areNull(_ form: Form, _ is64: Bool) async throws {
    let inputs = [try await object(form, is64: is64)] + (is64 ? ["-mwasm64"] : [])
    // What is added in code, and not by the linker, counts.
    let expected: [Form: [Int]] = [
      .absolute: [0, 0, 0, 0, 0, 0], .indirect: [12, 0, 0], .slotFromBase: [1], .hiddenFromData: [0, 0],
    ]
    for options in [[], ["--no-gc-sections"], ["--compress-relocations", "--strip-debug"]] {
      let result = try await link(inputs + options)
      let lines = (expected[form] ?? []).map { "host.show(\($0))\n" }.joined()
      let transcript = try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")])
      #expect(transcript == "instantiated\n\(lines)_start() = None\n", "\(options)")
    }
  }

  /// A place in the result's own memory or table is no address of something that is not there.
  @Test func cannotCountFromABase() async throws {
    let address = try await object(.addressFromBase)
    let message = "is not supported against an undefined symbol `hd`"
    try await linkFails([address], mentions: ["R_WASM_MEMORY_ADDR_REL_SLEB \(message)"])
    try await linkFails(["-pie", "--experimental-pic", address], mentions: [message])
    try await linkFails(
      ["-shared", "--experimental-pic", object(.slotFromBase)],
      mentions: ["R_WASM_TABLE_INDEX_REL_SLEB is not supported against an undefined symbol `hf`"])
    // As it was before.
    try await Differential([address], .release19).expectIdentical()
  }

  /// A library's code adds to an address that is null: what it computes is a number.
  @Test(arguments: [false, true]) func aLibraryAddsToNull(is64: Bool) async throws {
    let pointer = WasmType.address(is64: is64)
    var library = ModuleBuilder(
      dylink: Dylink(memorySize: 8, imports: [(module: "GOT.mem", name: "missing", flags: 1)]), is64: is64)
    let missing = library.importGlobal("GOT.mem", "missing", pointer, isMutable: true)
    library.function(
      [], [pointer], export: "sum",
      [.globalGet(missing), .addressConst(5, is64: is64), is64 ? .i64Add : .i32Add])
    library.function([], [pointer], export: "null", [.globalGet(missing)])
    var program = ModuleBuilder(object: true, is64: is64)
    program.function("run", [], [], flags: .exported, [])
    let result = try await linked(
      ["program.o": program, "libnull.so": library], "--no-entry", "--export=sum", "--export=null",
      "-mwasm\(is64 ? 64 : 32)")
    #expect(try await result.call("sum") == "5")
    #expect(try await result.call("null") == "0")
  }

  /// What relocation code adds to a pointer is added, where its function or data is missing too.
  @Test(arguments: [false, true]) func relocationCodeAddsToPointers(is64: Bool) async throws {
    let pointer = WasmType.address(is64: is64)
    var library = ModuleBuilder(
      dylink: Dylink(
        memorySize: 24, memoryAlignment: 3, imports: [("GOT.mem", "missing", 1), ("GOT.func", "nowhere", 1)]),
      is64: is64)
    let base = library.importMemoryAndBases()
    let pointers = [("GOT.func", "called"), ("GOT.mem", "missing"), ("GOT.func", "nowhere")].map {
      library.importGlobal($0.0, $0.1, pointer, isMutable: true)
    }
    library.function(export: "called", [])
    var code: [WasmInstruction] = []
    for (index, global) in pointers.enumerated() {
      code += [
        .globalGet(base.memory), .globalGet(global), .addressConst(70_000, is64: is64), is64 ? .i64Add : .i32Add,
      ]
      code.append(is64 ? .i64Store(offset: UInt64(8 * index)) : .i32Store(offset: UInt64(8 * index)))
    }
    library.function(export: "__wasm_apply_data_relocs", code)
    library.function([], [pointer], export: "slot", [.globalGet(pointers[0])])
    for index in 0..<3 {
      let offset = UInt64(8 * index)
      library.function(
        [], [pointer], export: "word\(index)",
        [.globalGet(base.memory), is64 ? .i64Load(offset: offset) : .i32Load(offset: offset)])
    }
    let exports = ["slot", "word0", "word1", "word2"]
    let result = try await linked(
      ["libsum.so": library], "--no-entry", "-mwasm\(is64 ? 64 : 32)", "--export=slot", "--export=word0",
      "--export=word1",
      "--export=word2")
    let slot = try #require(Int(try await result.call("slot")))
    for (export, sum) in zip(exports, [slot, slot + 70_000, 70_000, 70_000]) {
      #expect(try await result.call(export) == "\(sum)", "\(export)")
    }
  }
}
