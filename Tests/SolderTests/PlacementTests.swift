import Testing

/// Where data and stacks of libraries and objects go beside what a plain module has in its memory.
@Suite struct PlacementTests {
  /// A library with a number, and a word that tells whether its address is null.
  private static let library = """
    (module (@dylink.0 (mem-info (memory 4 2)))
      (import "env" "memory" (memory 0)) (import "env" "__memory_base" (global $mb i32))
      (data (global.get $mb) "\\07\\00\\00\\00")
      (func (export "number") (result i32) (i32.load (global.get $mb)))
      (func (export "address") (result i32) (global.get $mb)))
    """
  private static let source = """
    volatile int datum = 7;
    int number(void) { return datum; }
    int address(void) { return (int)&datum; }
    """

  /// The same as a library and as an object.
  private func inputs() async throws -> [String] {
    [
      try await Toolchain.shared.assembled("liblibrary.so", PlacementTests.library),
      try await Toolchain.shared.compiled("datum", PlacementTests.source, Toolchain.freestanding),
    ]
  }

  private func program(_ body: String, memory: String = #"(memory (export "memory") 1)"#) async throws -> String {
    try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "number" (func $number (result i32))) (import "env" "address" (func $address (result i32)))
        \(memory) \(body)
        (func (export "run") (result i32) (call $number)) (func (export "address") (result i32) (call $address)))
      """)
  }

  private func heapBase(_ address: Int) -> String {
    #"(global $heap (export "__heap_base") i32 (i32.const \#(address)))"#
  }

  /// Links in both orders, and gives the results of the calls.
  private func results(_ program: String, _ input: String, _ options: [String] = [], _ calls: [String]) async throws
    -> [Int]
  {
    var all: [[Int]] = []
    for order in [[program, input], [input, program]] {
      let linked = try await linkedHere(order + options)
      let transcript = try await WebAssemblyHost.shared.invoke(linked.bytes, calls.map { Call($0) })
      all.append(transcript.split(separator: "\n").compactMap { $0.split(separator: "= ").last.flatMap { Int($0) } })
    }
    #expect(all[0] == all[1])
    try #require(all[0].count == calls.count)
    return all[0]
  }

  private func fails(_ program: String, _ options: [String] = [], mentions: [String]) async throws {
    for input in try await inputs() {
      refusedHere([program, input] + options, mentions: ["program.wasm"] + mentions)
      refusedHere([input, program] + options, mentions: ["program.wasm"] + mentions)
    }
  }

  // MARK: Address 0

  @Test(arguments: [
    (#"(memory (export "memory") 1)"#, #"(global (export "__heap_base") i32 (i32.const 0))"#), ("", ""),
  ]) func nothingIsAtAddressZero(_ memory: String, _ base: String) async throws {
    let program = try await program(base, memory: memory)
    for input in try await inputs() {
      let found = try await results(program, input, ["run", "address"])
      #expect(found[0] == 7)
      #expect(found[1] >= 1024)
    }
  }

  // MARK: Statements that contradict themselves

  private static let data = #"(data (i32.const 1024) "AAAABBBBAAAABBBBAAAABBBBAAAABBBB")"#

  @Test func dataBeyondTheHeapBase() async throws {
    let stated = try await program(heapBase(1030) + PlacementTests.data)
    try await fails(stated, mentions: ["[1024, 1056)", "__heap_base", "1030", "--heap-base="])
    let silent = try await program(PlacementTests.data)
    try await fails(silent, ["--heap-base=1030"], mentions: ["[1024, 1056)", "--heap-base=1030"])
    for input in try await inputs() {
      let found = try await results(silent, input, ["--heap-base=1056"], ["run", "address"])
      #expect(found == [7, 1056])
    }
  }

  /// An option does not make less of what the module itself says.
  @Test func anOptionBelowTheHeapBase() async throws {
    let program = try await program(heapBase(2048))
    try await fails(program, ["--heap-base=1024"], mentions: ["__heap_base, 2048, which is beyond --heap-base=1024"])
    for input in try await inputs() {
      for address in [2048, 4096] {
        #expect(try await results(program, input, ["--heap-base=\(address)"], ["address"])[0] >= address)
      }
    }
  }

  @Test func aSegmentBeyondTheHeapBaseByWayOfAnotherModulesGlobal() async throws {
    let other = try await Toolchain.shared.assembled(
      "other.wasm", #"(module (global (export "place") i32 (i32.const 5000)))"#)
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "other" "place" (global $place i32)) (import "env" "number" (func $number (result i32)))
        (memory (export "memory") 1) \(heapBase(1024)) (data (global.get $place) "AAAA") (export "run" (func $number)))
      """)
    for input in try await inputs() {
      refusedHere([program, "other=" + other, input], mentions: ["program.wasm", "[5000, 5004)"])
    }
  }

  @Test func aStackBeyondTheHeapBase() async throws {
    func stack(_ address: Int) -> String { #"(global $__stack_pointer (mut i32) (i32.const \#(address)))"# }
    try await fails(
      program(heapBase(2000) + stack(4096)), mentions: ["stack begins at 4096", "__heap_base", "2000", "--heap-base="])
    try await fails(
      program(heapBase(2000) + PlacementTests.data + stack(1040)), mentions: ["stack begins at 1040", "[1024, 1056)"])
    for input in try await inputs() {
      for address in [1024, 2000] {
        let found = try await results(program(heapBase(2000) + PlacementTests.data + stack(address)), input, ["run"])
        #expect(found == [7])
      }
    }
  }

  private func results(_ program: String, _ input: String, _ calls: [String]) async throws -> [Int] {
    try await results(program, input, [], calls)
  }

  /// A memory that becomes larger must not let a module start that could not.
  @Test func dataBeyondTheMemory() async throws {
    let beyond = try await program(heapBase(70_000) + #"(data (i32.const 65534) "AAAA")"#)
    try await fails(beyond, mentions: ["[65534, 65538)", "65536 bytes"])
  }

  @Test(arguments: [("memory", "env"), ("m", "js")]) func twoModulesDataInOnePlace(_ name: String, _ from: String)
    async throws
  {
    func module(_ address: Int) -> String {
      #"(module (import "\#(from)" "\#(name)" (memory 1)) (data $text (i32.const \#(address)) "AAAA"))"#
    }
    let one = try await Toolchain.shared.assembled("one.wasm", module(16))
    let two = try await Toolchain.shared.assembled("two.wasm", module(14))
    let apart = try await Toolchain.shared.assembled("apart.wasm", module(20))
    for order in [[one, two], [two, one]] {
      refusedHere(order, mentions: ["one.wasm", "two.wasm", "[16, 20)", "[14, 18)", "overlap"])
    }
    let linked = try await linkedHere([one, apart])
    #expect(linked.module.imports.map(\.description) == ["\(from).\(name) (memory)"])
  }

  /// The stack of libraries is in their memory.
  @Test func aStackInAnotherMemory() async throws {
    let program = try await program(heapBase(1024))
    let other = try await Toolchain.shared.assembled(
      "other.wasm", #"(module (memory 1) (global $__stack_pointer (mut i32) (i32.const 1024)) (func (export "f")))"#)
    let library = try await Toolchain.shared.assembled("liblibrary.so", LiftingPlainTests.library)
    for input in try await inputs() {
      for order in [[program, "x=" + other, input, library], [library, input, "x=" + other, program]] {
        refusedHere(order, mentions: ["other.wasm", "__stack_pointer", "program.wasm"])
      }
    }
  }

  /// What the linker has are addresses in the program's memory, and none of another.
  @Test(arguments: [("__heap_base", "i32"), ("__data_end", "i32"), ("__stack_pointer", "(mut i32)")])
  func addressesForAnotherMemory(_ name: String, _ type: String) async throws {
    let program = try await program("")
    func other(_ memory: String) async throws -> String {
      try await Toolchain.shared.assembled(
        "other.wasm", "(module (import \"env\" \"\(name)\" (global \(type))) \(memory) (func (export \"f\")))")
    }
    let (apart, without) = try await (other("(memory 1)"), other(""))
    for input in try await inputs() {
      for order in permutations([program, "x=" + apart, input]) {
        refusedHere(
          order + ["--heap-base=1024"], mentions: ["other.wasm: imports env.\(name)", "let it import env.memory"])
      }
      _ = try await linkedHere([program, "x=" + without, input, "--heap-base=1024"])
    }
  }

  // MARK: Who asks for the heap base

  /// That one module asks the linker where the heap begins says nothing of another one's memory.
  @Test func whoAsksSpeaksForItself() async throws {
    func module(_ name: String, _ body: String) async throws -> String {
      try await Toolchain.shared.assembled(name, "(module \(body))")
    }
    let asks = #"(import "env" "__heap_base" (global $h i32)) (func (export "heap") (result i32) (global.get $h))"#
    let shared = #"(import "env" "memory" (memory 1))"#
    let asking = try await module("asking.wasm", shared + asks)
    let silent = try await program("")
    let owner = try await module("owner.wasm", asks + #"(memory (export "memory") 2)"#)
    let guests = [
      #"(data (i32.const 100) "A")"#, #"(global $__stack_pointer (mut i32) (i32.const 66560))"#,
      PlacementTests.unnamedStack(2048),
    ]
    for input in try await inputs() {
      for order in permutations([silent, asking, input]) {
        refusedHere(order, mentions: ["program.wasm: does not say where its static memory ends"])
      }
      for guest in guests {
        let guest = try await module("guest.wasm", shared + guest)
        for order in permutations([owner, guest, input]) {
          refusedHere(order + ["--export=address"], mentions: ["guest.wasm: does not say where its static memory ends"])
        }
      }
      let user = try await module("user.wasm", shared + #"(func (export "f"))"#)
      for order in permutations([owner, user, input]) { _ = try await linkedHere(order) }
    }
  }

  /// A heap begins behind a stack that lies above the data.
  @Test(arguments: [true, false]) func aHeapBehindTheStack(_ isNamed: Bool) async throws {
    let stack =
      isNamed
      ? #"(global $__stack_pointer (mut i32) (i32.const 24512))"# : PlacementTests.unnamedStack(24512)
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "__heap_base" (global $h i32)) (import "env" "number" (func $number (result i32)))
        (import "env" "address" (func $address (result i32))) (memory (export "memory") 1) (data (i32.const 20000) "ABC")
        \(stack) (func (export "heap") (result i32) (global.get $h))
        (func (export "run") (result i32) (call $number)) (func (export "address") (result i32) (call $address)))
      """)
    for input in try await inputs() {
      let found = try await results(program, input, ["run", "address", "heap"])
      #expect(found[0] == 7 && found[1] >= 24512 && found[2] > found[1], "\(found)")
    }
  }

  // MARK: Several heaps, and where they end

  /// Two heaps that lay apart would begin at one address. A heap base that nobody asks for is no heap.
  @Test func heapsOfTwoModules() async throws {
    let first = try await program(heapBase(2048) + #"(func (export "heap") (result i32) (global.get $heap))"#)
    func second(_ address: Int, _ body: String) async throws -> String {
      try await Toolchain.shared.assembled(
        "second.wasm",
        """
        (module (import "env" "memory" (memory 1)) (global $__heap_base i32 (i32.const \(address)))
          (func (export "other") (result i32) \(body)))
        """)
    }
    let heap = try await second(3000, "(global.get $__heap_base)")
    let none = try await second(3000, "(i32.const 0)")
    let same = try await second(2048, "(global.get $__heap_base)")
    for input in try await inputs() {
      for order in permutations([first, heap, input]) {
        refusedHere(order, mentions: ["program.wasm", "second.wasm", "2048", "3000", "one address"])
      }
      for other in [none, same] {
        let linked = try await linkedHere([other, input, first])
        let address = try #require(Int(try await linked.call("address")))
        #expect(Int(try await linked.call("heap")) ?? 0 > address)
      }
    }
  }

  /// What is placed below an LLVM program's data is not where another module has its stack or heap.
  /// A variable that code goes down from, as from a stack pointer.
  private static func unnamedStack(_ address: Int) -> String {
    "(global $s (mut i32) (i32.const \(address))) "
      + "(func (export \"enter\") (global.set $s (i32.sub (global.get $s) (i32.const 64))))"
  }

  @Test func roomBelowIsAnotherModules() async throws {
    let roomy = try await llvmProgram([
      "--export=__stack_pointer", "--export=__global_base", "--stack-first", "-z", "stack-size=16384",
      "--global-base=32768",
    ])
    func other(_ body: String) async throws -> String {
      try await Toolchain.shared.assembled(
        "other.wasm", "(module (import \"env\" \"memory\" (memory 1)) \(body) (func (export \"f\")))")
    }
    for input in try await inputs() {
      for (body, what) in [
        ("(global $__heap_base i32 (i32.const 20000))", "heap begins at 20000"),
        ("(global $__stack_pointer (mut i32) (i32.const 20000))", "stack begins at 20000"),
        (PlacementTests.unnamedStack(20000), "stack begins at 20000"),
      ] {
        let other = try await other(body)
        for order in permutations([roomy, "x=" + other, input]) {
          refusedHere(order, mentions: ["other.wasm", what, "[16384, 32768)", "program.wasm"])
        }
      }
      let beyond = try await other("(global $__heap_base i32 (i32.const 100000))")
      _ = try await linkedHere([roomy, "x=" + beyond, input])
    }
  }

  /// The end of a heap moves with its beginning.
  @Test(arguments: [65536, 60000]) func theHeapEndsAsFarBehindItsBeginning(_ end: Int) async throws {
    let program = try await program(
      """
      \(heapBase(2048)) (global $end (export "__heap_end") i32 (i32.const \(end)))
      (func (export "room") (result i32) (i32.sub (global.get $end) (global.get $heap)))
      """)
    for input in try await inputs() {
      #expect(try await results(program, input, ["room"]) == [end - 2048])
      // Where the memory cannot grow, the heap is what is left.
      let found = try await results(program, input, ["--max-memory=65536"], ["room"])
      #expect(found[0] <= 65536 - 2048 && found[0] >= end - 2048 - 64)
    }
  }

  @Test func aHeapBeyondAllAddresses() async throws {
    let program = try await program(#"(func (export "heap") (result i32) (global.get $heap))"# + heapBase(2048))
    for input in try await inputs() {
      refusedHere([program, input, "--global-base=4294967280"], mentions: ["4294967296", "heap"])
    }
  }

  /// `--global-base` is the lowest address for data, and no matter where that is higher anyway.
  @Test(arguments: ["--stack-first", "--no-stack-first"]) func aGlobalBaseBesideAModule(_ option: String) async throws {
    let program = try await program(heapBase(2048))
    for input in try await inputs() {
      for (base, address) in [(16, 2048), (5000, 5000)] {
        let found = try await results(program, input, [option, "--global-base=\(base)"], ["run", "address"])
        #expect(found == [7, address])
      }
    }
  }

  /// Objects alone are told of a base below the stack, as wasm-ld has it.
  @Test func aGlobalBaseBelowTheStack() async throws {
    let object = try await Toolchain.shared.compiled("datum", PlacementTests.source, Toolchain.freestanding)
    refusedHere(
      [object, "--no-entry", "--export=address", "--stack-first", "--global-base=16"],
      mentions: ["--global-base cannot be less than stack size"])
  }

  // MARK: A heap base in the code

  private static let program = """
    extern char __heap_base;
    int number(void);
    int address(void);
    static char *next = NEXT;
    __attribute__((export_name("take"))) char *take(void) {
      char *result = next ? next : &__heap_base;
      next = result + 8;
      return result;
    }
    __attribute__((export_name("run"))) int run(void) { return number(); }
    __attribute__((export_name("address"))) int where(void) { return address(); }
    """

  private func llvmProgram(_ options: [String], next: String = "0") async throws -> String {
    let source = PlacementTests.program.replacing("NEXT", with: next)
    let object = try await Toolchain.shared.compiled("program", source, Toolchain.freestanding)
    let folder = try TemporaryFolder()
    let path = folder.file("program.wasm")
    let run = try await execute(
      Tool.wasmLinker22.path(),
      [object, "--no-entry", "--import-undefined", "--export=__heap_base", "-o", path] + options)
    guard run.succeeded else { throw ToolFailure(run) }
    return path
  }

  @Test(arguments: ["0", "&__heap_base", "&__heap_base + 15"]) func aHeapBaseThatTheCodeHasAsANumber(_ next: String)
    async throws
  {
    // Without room, and with room that nothing shows.
    for options in [["--stack-first", "--export=__stack_pointer", "--export=__global_base"], ["--no-stack-first"]] {
      let tight = try await llvmProgram(options, next: next)
      try await fails(tight, mentions: ["__heap_base", "-Wl,--global-base="])
      for input in try await inputs() {
        let refusal = refusedHere([tight, input], mentions: [])
        let advice = try #require(refusal.firstMatch(of: /-Wl,(\S+), which/)).output.1.split(separator: ",").map(
          String.init)
        let roomy = try await llvmProgram(options.prefix(1) + advice, next: next)
        #expect(try await results(roomy, input, ["run"]) == [7])
      }
    }
    for options in [
      ["--no-stack-first", "--global-base=4096"], ["--stack-first", "-z", "stack-size=16384", "--global-base=32768"],
    ] {
      let roomy = try await llvmProgram(["--export=__stack_pointer", "--export=__global_base"] + options, next: next)
      for input in try await inputs() {
        let found = try await results(roomy, input, ["run", "address", "take"])
        #expect(found[0] == 7)
        #expect(found[1] < 32768 && found[1] >= 16)
        #expect(found[2] > found[1])
      }
    }
  }

  /// An object that begins its heap where the number in the code says that the module's is.
  @Test func anotherHeapAtTheNumber() async throws {
    let program = try await llvmProgram(
      ["--no-stack-first", "--global-base=4096", "--export=__stack_pointer", "--export=__global_base"])
    let allocator = try await Toolchain.shared.compiled(
      "allocator",
      PlacementTests.source
        + "extern char __heap_base; __attribute__((export_name(\"heap\"))) char *heap(void) { return &__heap_base; }",
      Toolchain.freestanding)
    for order in [[program, allocator], [allocator, program]] {
      let run = LinkInProcess(arguments: order)
      #expect(run.warnings.count == 1 && run.warnings[0].contains("both read __heap_base"), "\(run.warnings)")
      #expect(LinkInProcess(arguments: order + ["--no-warn-two-heaps"]).warnings == [])
    }
  }

  // MARK: Collectors

  @Test func stackAndHeapOfACollectorMoveTogether() async throws {
    let program = try await program(
      """
      (global $~lib/memory/__data_end i32 (i32.const 1040)) (global $~lib/memory/__stack_pointer (mut i32) (i32.const 1296))
      (global $~lib/memory/__heap_base i32 (i32.const 1296)) (data (i32.const 1024) "0123456789abcdef")
      (func (export "end") (result i32) (global.get $~lib/memory/__data_end))
      (func (export "stack") (result i32) (global.get $~lib/memory/__stack_pointer))
      (func (export "heap") (result i32) (global.get $~lib/memory/__heap_base))
      """)
    for input in try await inputs() {
      for options in [[], ["--heap-base=1296"]] {
        let found = try await results(program, input, options, ["run", "address", "end", "stack", "heap"])
        #expect(found[0] == 7)
        #expect(found[1] >= 1040 && found[1] < found[2])
        #expect(found[3] == found[4] && found[4] - found[2] == 256)
      }
    }
  }

  /// Where a compiler has written what the marks hold in their place, nothing can move.
  @Test func numbersOfACollectorsMarks() async throws {
    func body(_ end: String, _ heap: String) -> String {
      """
      (global $~lib/memory/__data_end i32 (i32.const 1040)) (global $~lib/memory/__stack_pointer (mut i32) (i32.const 33808))
      (global $~lib/memory/__heap_base i32 (i32.const 33808)) (data (i32.const 1024) "0123456789abcdef")
      (func (export "check") (result i32) (i32.lt_u (global.get $~lib/memory/__stack_pointer) \(end)))
      (func (export "heap") (result i32) (i32.and (i32.add \(heap) (i32.const 15)) (i32.const -16)))
      """
    }
    let (end, heap) = ("(global.get $~lib/memory/__data_end)", "(global.get $~lib/memory/__heap_base)")
    for (end, heap, mentions) in [
      ("(i32.const 1040)", heap, ["1040", "__data_end"]), (end, "(i32.const 33808)", ["33808", "__heap_base"]),
      (end, "(i32.const 33816)", ["33816", "__heap_base"]),
    ] {
      try await fails(program(body(end, heap)), mentions: mentions + ["without optimisation"])
    }
    // A module that asks may have the numbers for something else.
    let asking = try await program(body(end, heap) + #"(func (export "other") (result i32) (i32.const 33808))"#)
    for input in try await inputs() { #expect(try await results(asking, input, ["run", "check"]) == [7, 0]) }
  }

  // MARK: Sizes

  /// Of a memory of the host no more is asked for than there has to be.
  @Test func theHeapShrinksBeforeTheLinkFails() async throws {
    for (limits, base, fits) in [
      ("1 1", 1040, true), ("1 1", 65_500, true), ("1 1", 65_536, false), ("1 3", 1040, true), ("2 2", 65_536, true),
    ] {
      let program = try await program(heapBase(base), memory: #"(import "env" "memory" (memory \#(limits)))"#)
      for input in try await inputs() {
        guard fits else {
          refusedHere([program, input], mentions: ["program.wasm", "at most 1 pages"])
          continue
        }
        let linked = try await linkedHere([program, input])
        let memory = try #require(linked.module.imports.compactMap { $0.limits }.first)
        #expect("\(memory.minimum) \(memory.maximum ?? 0)" == limits)
      }
    }
  }

  /// What the module's own memory may become is raised, but not beyond what another module imports, nor an option says.
  @Test func theMaximumOfAModulesOwnMemory() async throws {
    let program = try await program(heapBase(1040), memory: #"(memory (export "memory") 1 1)"#)
    let guest = try await Toolchain.shared.assembled(
      "guest.wasm", #"(module (import "env" "memory" (memory 1 1)) (data (i32.const 8) "A"))"#)
    for input in try await inputs() {
      #expect(try await linkedHere([program, input]).module.memories.first?.minimum == 2)
      for more in [[guest], ["--max-memory=65536"], ["--initial-memory=65536"]] {
        let memory = try #require(try await linkedHere([program, input] + more).module.memories.first)
        #expect(memory.minimum == 1)
        #expect(memory.maximum == 1)
      }
      refusedHere(
        [program, input, guest, "--heap-base=65536"], mentions: ["guest.wasm", "at most 1 pages"])
    }
  }

  /// Options ask for no more than types allow, whoever says so.
  @Test(arguments: ["--initial-memory=131072", "--initial-heap=131072", "--max-memory=131072"])
  func optionsBeyondAMaximum(_ option: String) async throws {
    let imported = try await program(heapBase(1040), memory: #"(import "env" "memory" (memory 1 1))"#)
    let own = try await program(heapBase(1040), memory: #"(memory (export "memory") 1 1)"#)
    let guest = try await Toolchain.shared.assembled(
      "guest.wasm", #"(module (import "env" "memory" (memory 1 1)) (data (i32.const 8) "A"))"#)
    for input in try await inputs() {
      for words in [[imported, input], [input, imported], [own, input, "--import-memory"]] {
        refusedHere(words + [option], mentions: ["program.wasm: ", "a memory of at most 1 pages"])
      }
      refusedHere([own, input, guest, option], mentions: ["guest.wasm", "imports a memory of at most 1 pages"])
      _ = try await linkedHere([own, input, option])
    }
  }

  @Test func pagesOfOneByte() async throws {
    let program = try await program(
      heapBase(10) + #"(data (i32.const 2) "hi")"#, memory: #"(memory (export "memory") 10 2000000 (pagesize 1))"#)
    for input in try await inputs() {
      let linked = try await linkedHere([program, input])
      let memory = try #require(linked.module.memories.first)
      #expect(memory.minimum >= 14 && memory.maximum == 2_000_000)
      #expect(try await results(program, input, ["run"]) == [7])
      refusedHere([program, input, "--max-memory=8"], mentions: ["maximum memory too small"])
    }
  }

  // MARK: Numbers of the heap base, and what holds where nothing is placed

  /// A variable that begins as the number of the heap base is where the module's allocator begins, whatever is placed there;
  /// unless it begins as the heap base itself, or is a stack pointer.
  @Test(
    arguments: [
      ("(i32.const 2048)", "i32.add", true), ("(i32.const 2051)", "i32.add", true),
      ("(global.get $start)", "i32.add", true),
      ("(global.get $heap)", "i32.add", false), ("(i32.const 0)", "i32.add", false),
      ("(i32.const 2048)", "i32.sub", false),
    ], [false, true])
  func aVariableThatBeginsAsTheHeapBase(_ sample: (initial: String, change: String, isRefused: Bool), _ asks: Bool)
    async throws
  {
    let program = try await program(
      """
      \(heapBase(2048)) (global $start i32 (i32.const 2048)) (global $next (mut i32) \(sample.initial))
      (func (export "next") (result i32)
        (global.set $next (\(sample.change) (global.get $next) (i32.const 16))) (global.get $next))
      (func (export "end") (result i32) \(asks ? "(global.get $heap)" : "(i32.const 0)"))
      """)
    if sample.isRefused {
      try await fails(program, mentions: ["global 2 begins as the number 20", "__heap_base", "'global.get'"])
    } else {
      for input in try await inputs() { #expect(try await results(program, input, ["run"]) == [7]) }
    }
  }

  /// What a number means nobody can tell: each that leads to what is placed is taken for the heap's, wherever it stands, as
  /// long as the module does not ask for its heap base; and none that leads elsewhere, or takes part in no sum.
  @Test(arguments: [
    (20480, 1), (20484, 1), (20495, 1), (20496, 0), (20479, 0), (20496, 4096), (24000, 4096), (24592, 4096),
  ])
  func numbersThatLeadToTheHeap(_ number: Int, _ size: Int) async throws {
    let input = try await Toolchain.shared.compiled(
      "sized",
      "volatile char data[\(max(size, 1))] = {7}; int number(void) { return data[0]; } int address(void) { return (int)data; }",
      Toolchain.freestanding)
    let isInside = (20480..<20480 + max(16, size)).contains(number)
    func check(_ body: String, isRefused: Bool, mentions: [String] = []) async throws {
      let program = try await program("\(heapBase(20480)) \(body)")
      for order in [[program, input], [input, program]] {
        if isRefused {
          refusedHere(order, mentions: ["program.wasm", "number \(number)", "--heap-base=20480"] + mentions)
        } else {
          #expect(try await linkedHere(order).call("run") == "7")
        }
      }
    }
    let value = "(i32.const \(number))"
    for code in [value, "(i32.add \(value) (i32.const 8))", "(i32.load offset=\(number) (i32.const 0))"] {
      let function = #"(func (export "next") (result i32) \#(code))"#
      try await check(function, isRefused: isInside, mentions: ["its code"])
      try await check(
        function + #"(func (export "heap") (result i32) (global.get $heap))"#, isRefused: false)
    }
    for code in ["(i32.mul \(value) \(value))", "(i32.eq (i32.const 0) \(value))", "(i32.shl (i32.const 1) \(value))"] {
      try await check(#"(func (export "next") (result i32) \#(code))"#, isRefused: code.contains("mul") && isInside)
    }
    let word = [number & 0xFF, number >> 8, 0, 0].map { "\\" + hexadecimal($0) }.joined()
    try await check(#"(data (i32.const 16) "\#(word)")"#, isRefused: isInside, mentions: ["its data"])
    try await check(#"(data (i32.const 17) "\#(word)")"#, isRefused: false)
    try await check(
      "(global $next (mut i32) \(value)) (func (export \"next\") (result i32) (global.get $next))", isRefused: isInside,
      mentions: ["its global 1"])
  }

  /// A module full of numbers says nothing by one of them.
  @Test func numbersThatAreEverywhere() async throws {
    let input = try await Toolchain.shared.compiled(
      "sized",
      "volatile char data[4096] = {7}; int number(void) { return data[0]; } int address(void) { return (int)data; }",
      Toolchain.freestanding)
    for (numbers, isRefused) in [
      ([24000], true), ([24000, 28000], false), ([20480, 28000], true), ([20495, 28000], true),
    ] {
      let code = numbers.enumerated().map { index, number in
        "(func (export \"f\(index)\") (result i32) (i32.const \(number)))"
      }
      let words = numbers.map { number in
        "(data (i32.const \(16 + number % 1024 / 4 * 4)) \"\\\(hexadecimal(number & 0xFF))\\\(hexadecimal(number >> 8))\\00\\00\")"
      }
      for body in [code.joined(), words.joined()] {
        let program = try await program(heapBase(20480) + body)
        if isRefused {
          refusedHere([program, input], mentions: ["program.wasm", "--heap-base=20480"])
        } else {
          #expect(try await linkedHere([program, input]).call("run") == "7")
        }
      }
    }
  }

  /// Of short numbers, which are everywhere, only what aligning makes of the heap base is taken for it.
  @Test(arguments: [(2048, 2048), (2048, 2063), (2048, 2064), (0, 0), (0, 1)]) func shortNumbers(
    _ base: Int, _ number: Int
  )
    async throws
  {
    let program = try await program(heapBase(base) + "(func (export \"next\") (result i32) (i32.const \(number)))")
    if number == base || base > 0 && number < base + 16 {
      try await fails(program, mentions: ["number \(number)"])
    } else {
      for input in try await inputs() { #expect(try await results(program, input, ["run"]) == [7]) }
    }
  }

  private func hexadecimal(_ byte: Int) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// The end of data that a program shows is where its heap may begin, though the heap base is aligned.
  @Test func aHeapThatBeginsAtTheEndOfData() async throws {
    for (shows, isRefused) in [(true, true), (false, false)] {
      let end = shows ? #"(global (export "__data_end") i32 (i32.const 2036))"# : ""
      let program = try await program(
        "\(heapBase(2048)) \(end)" + #"(func (export "next") (result i32) (i32.const 2036))"#)
      if isRefused {
        try await fails(program, mentions: ["number 2036", "__heap_base is 2048"])
      } else {
        for input in try await inputs() { #expect(try await results(program, input, ["run"]) == [7]) }
      }
    }
  }

  /// What a module makes of its heap base moves with it if it is the heap's, and stays if it is a stack or lies below.
  @Test(arguments: [
    ("(global.get $heap)", "i32.const 16 i32.sub", 2032, true),
    ("(global.get $heap)", "i32.const -16 i32.add", 2032, true),
    ("(global.get $heap)", "i32.const 16 i32.add", 2064, false),
    ("(i32.add (global.get $heap) (i32.const 8))", "i32.const 0 i32.add", 2056, false),
    ("(i32.sub (global.get $heap) (i32.const 8))", "i32.const 0 i32.add", 2040, true),
  ]) func whatIsMadeOfTheHeapBase(
    _ sample: (initial: String, change: String, before: Int, stays: Bool)
  ) async throws {
    let program = try await program(
      """
      \(heapBase(2048)) (global $place (mut i32) \(sample.initial))
      (func (export "place") (result i32) global.get $place \(sample.change))
      (func (export "heap") (result i32) (global.get $heap))
      """)
    for input in try await inputs() {
      let found = try await results(program, input, ["run", "place", "heap"])
      #expect(found[0] == 7 && found[2] > 2048)
      #expect(found[1] == (sample.stays ? sample.before : sample.before + found[2] - 2048))
    }
  }

  /// So many bytes below a heap base that moves, there is something else.
  @Test func whatIsAddressedFromTheHeapBaseDownwards() async throws {
    for body in [
      #"(data (i32.sub (global.get $heap) (i32.const 8)) "AAAAAAAA")"#,
      #"(func (export "own") (result i32) (i32.load (i32.sub (global.get $heap) (i32.const 8))))"#,
      #"(func (export "own") (result i32) (i32.load (i32.add (global.get $heap) (i32.const -8))))"#,
    ] {
      try await fails(program(heapBase(2048) + body), mentions: ["below its __heap_base"])
    }
    for body in [
      #"(data (i32.add (global.get $heap) (i32.const 8)) "AAAAAAAA")"#,
      #"(func (export "own") (result i32) (i32.shr_u (i32.sub (global.get $heap) (i32.const 1)) (i32.const 16)))"#,
      #"(func (export "own") (result i32) (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))"#,
    ] {
      for input in try await inputs() {
        #expect(try await results(program(heapBase(2048) + body), input, ["run"]) == [7])
      }
    }
  }

  /// A number is known however an initial value says it.
  @Test func aHeapBaseThatIsMadeOfOtherGlobals() async throws {
    for (other, base) in [
      ("(i32.const 2048)", "(global.get $y)"), ("(i32.const 2040)", "(i32.add (global.get $y) (i32.const 8))"),
    ] {
      let program = try await program(
        """
        (global $y i32 \(other)) (global $heap (export "__heap_base") i32 \(base))
        (global $__stack_pointer (mut i32) (global.get $heap))
        (func (export "heap") (result i32) (global.get $heap)) (func (export "stack") (result i32) (global.get $__stack_pointer))
        """)
      for input in try await inputs() {
        let found = try await results(program, input, ["run", "address", "heap", "stack"])
        #expect(found[0] == 7 && found[1] == 2048 && found[2] > 2048 && found[3] == 2048)
      }
    }
  }

  /// LLVM's `--export-all` exports bases, too, which are the module's own.
  @Test(arguments: ["__memory_base", "__table_base"]) func basesThatAModuleExports(_ name: String) async throws {
    let program = try await program(
      "\(heapBase(2048)) (global (export \"\(name)\") i32 (i32.const 0)) (func (export \"heap\") (result i32) (global.get $heap))"
    )
    let object = try await Toolchain.shared.compiled(
      "position",
      """
      static volatile int datum = 7; static int get(void) { return datum; } static int (*volatile pointer)(void) = get;
      int number(void) { return pointer(); } int address(void) { return (int)&datum; }
      """, Toolchain.freestanding + ["-fPIC", "-g"])
    for input in try await inputs() + [object] {
      #expect(try await results(program, input, ["run"]) == [7])
    }
  }

  /// What a whole module calls the end of its data, or of its stack, is not where an object has its own.
  @Test(arguments: ["__data_end", "__global_base", "__stack_low", "__stack_high"])
  func namesOfTheLinkersThatAModuleExports(_ name: String) async throws {
    let program = try await program(
      """
      \(heapBase(2048)) (global (export "\(name)") i32 (i32.const 2000))
      (func (export "heap") (result i32) (global.get $heap))
      """)
    let input = try await Toolchain.shared.compiled(
      "user",
      """
      extern char \(name); volatile int data[100] = {7};
      int number(void) { volatile int stack[2] = {data[0]}; return stack[0]; } int address(void) { return (int)&\(name); }
      """, Toolchain.freestanding)
    let found = try await results(program, input, ["--stack-first"], ["run", "address", "heap"])
    #expect(found[0] == 7 && found[1] >= 2048 && found[1] <= found[2])
    guard name.hasPrefix("__stack") else { return }
    // Of a stack that is shared, the module knows.
    let shared = try await self.program(
      """
      \(heapBase(2048)) (global (export "\(name)") i32 (i32.const 2000))
      (global (export "__stack_pointer") (mut i32) (i32.const 2016))
      """)
    #expect(try await results(shared, input, ["run", "address"]) == [7, 2000])
  }

  /// Objects use a module's stack, though they bring nothing that is placed.
  @Test func aStackInsideOfDataWithoutAnythingToPlace() async throws {
    let input = try await Toolchain.shared.compiled(
      "user", "int number(void) { volatile int a[9]; a[3] = 7; return a[3]; } int address(void) { return 0; }",
      Toolchain.freestanding)
    for (stack, isRefused) in [(1040, true), (1024, false), (2048, false)] {
      let program = try await program(
        "\(PlacementTests.data) \(heapBase(2048)) (global $__stack_pointer (mut i32) (i32.const \(stack)))")
      if isRefused {
        for order in [[program, input], [input, program]] {
          refusedHere(
            order, mentions: ["program.wasm", "stack begins at 1040", "inside of data segment 0 at [1024, 1056)"])
        }
      } else {
        #expect(try await results(program, input, ["run"]) == [7])
      }
    }
  }

  /// A module's data is not where another one's heap is, though nothing is placed.
  @Test func dataInAnotherModulesHeap() async throws {
    func module(_ name: String, _ memory: String, heap: Int?, data: Int) async throws -> String {
      try await Toolchain.shared.assembled(
        name,
        """
        (module \(memory) \(heap.map { "(global $__heap_base i32 (i32.const \($0)))" } ?? "")
          (data (i32.const \(data)) "AAAA"))
        """)
    }
    let own = #"(memory (export "memory") 1)"#
    let imported = #"(import "env" "memory" (memory 1))"#
    for (heaps, data, mentions) in [
      ((1024, nil), (0, 1024), ["second.wasm", "[1024, 1028)", "first.wasm, which is 1024"]),
      ((1024, 8192), (0, 4096), ["second.wasm", "[4096, 4100)", "first.wasm is", "1024"]),
      ((8192, 8192), (0, 4096), []), ((8192, nil), (0, 4096), []), ((nil, nil), (0, 4096), []),
    ] as [((Int?, Int?), (Int, Int), [String])] {
      let first = try await module("first.wasm", own, heap: heaps.0, data: data.0)
      let second = try await module("second.wasm", imported, heap: heaps.1, data: data.1)
      for order in [[first, second], [second, first]] {
        if mentions.isEmpty {
          _ = try await linkedHere(order)
        } else {
          refusedHere(order, mentions: mentions)
        }
      }
    }
  }
}
