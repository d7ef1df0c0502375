import Testing

/// Which memory each memory of each module is, in every order of the command line.
@Suite struct MemoryBindingTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let modules: [(argument: String, text: String)]
    var calls: [Call] = [Call("run")]
    let expected: [String]
    var options: [String] = []
  }

  @Test(arguments: samples) func identity(_ sample: Sample) async throws {
    for order in orders(of: sample.modules) {
      let name = order.map(\.argument).joined(separator: " ")
      let linked = LiftingCase(
        testDescription: name, modules: order, options: sample.options, calls: sample.calls,
        expected: sample.expected)
      try await linked.check()
      try await linked.check(["--no-gc-sections"])
    }
  }

  private func orders<Element>(of elements: [Element]) -> [[Element]] {
    guard elements.count > 1 else { return [elements] }
    return elements.indices.flatMap { index in
      var rest = elements
      let first = rest.remove(at: index)
      return orders(of: rest).map { [first] + $0 }
    }
  }

  /// A module with a memory of its own, whose accesses are of all kinds.
  private static let own = """
    (module (memory $m 1) (data $text "\\2a\\03")
      (func (export "own") (result i32)
        (memory.init $m $text (i32.const 100) (i32.const 0) (i32.const 1))
        (memory.copy $m $m (i32.const 200) (i32.const 100) (i32.const 1))
        (memory.fill $m (i32.const 300) (i32.const 3) (i32.const 4))
        (i32.store8 $m offset=5 (i32.const 395) (i32.const 9))
        (i32.add (i32.load8_u $m (i32.const 200)) (i32.mul (i32.const 100)
          (i32.add (i32.load8_u $m (i32.const 303)) (i32.mul (i32.const 10) (i32.load8_u $m (i32.const 400))))))))
    """
  private static let host = """
    (module (import "js" "memory" (memory $m 2)) (func (export "host") (result i32)
      (i32.add (i32.load8_u $m (i32.const 0)) (i32.mul (i32.const 10) (memory.size $m)))))
    """
  private static let owner = #"(module (memory (export "memory") 1) (data (i32.const 0) "A"))"#
  private static let guest =
    #"(module (import "env" "memory" (memory 1)) (func (export "run") (result i32) (i32.load8_u (i32.const 0))))"#

  private static func neighbour(_ other: String, _ value: Int, _ export: String) -> String {
    """
    (module (import "\(other)" "shelf" (memory $theirs 1)) (memory $mine (export "shelf") 1)
      (data (memory $mine) (i32.const 0) "\\0\(value)")
      (func (export "\(export)") (result i32)
        (i32.add (i32.load8_u $theirs (i32.const 0)) (i32.mul (i32.const 100) (i32.load8_u $mine (i32.const 0))))))
    """
  }

  static let samples = [
    Sample(
      testDescription: "a memory of its own beside one of the host",
      modules: [("a=own.wasm", own), ("b=host.wasm", host)], calls: [Call("own"), Call("host")],
      expected: ["own() = 9342", "host() = 20"]),
    Sample(
      testDescription: "a library's program memory behind one of the host",
      modules: [
        (
          "a=own.wasm",
          LiftingCase.program(#"(import "env" "get" (func $g (result i32))) MEMORY (export "run" (func $g))"#)
        ),
        ("b=host.wasm", host), ("liblibrary.so", LiftingPlainTests.library),
      ], calls: [Call("run"), Call("host")], expected: ["run() = 42", "host() = 20"]),
    Sample(
      testDescription: "relocation code that other code calls, behind one of the host",
      modules: [
        (
          "a=own.wasm",
          LiftingCase.program(#"(import "env" "get" (func $g (result i32))) MEMORY (export "run" (func $g))"#)
        ),
        ("b=host.wasm", host),
        (
          "liblibrary.so",
          LiftingCase.library(
            """
            (func $apply (export "__wasm_apply_data_relocs")
              (i32.store (global.get $mb) (i32.add (global.get $mb) (i32.const 8))))
            (func (export "get") (result i32)
              (i32.store (global.get $mb) (i32.const 0)) (call $apply)
              (i32.sub (i32.load (global.get $mb)) (global.get $mb)))
            """)
        ),
      ], calls: [Call("run"), Call("host")], expected: ["run() = 8", "host() = 20"]),
    Sample(
      testDescription: "env.memory is what a module exports as memory",
      modules: [("owner.wasm", owner), ("guest.wasm", guest)], expected: ["run() = 65"]),
    Sample(
      testDescription: "the same of a module that is called env",
      modules: [("env=owner.wasm", owner), ("guest.wasm", guest)], expected: ["run() = 65"]),
    Sample(
      testDescription: "the same of a module with a name of its own",
      modules: [("x=owner.wasm", owner), ("guest.wasm", guest)], expected: ["run() = 65"]),
    Sample(
      testDescription: "two modules that import each other's",
      modules: [
        ("first=first.wasm", neighbour("second", 7, "run1")), ("second=second.wasm", neighbour("first", 5, "run2")),
      ],
      calls: [Call("run1"), Call("run2")], expected: ["run1() = 705", "run2() = 507"],
      options: ["--skip-export-conflicts"]),
    Sample(
      testDescription: "a chain of modules that pass a memory on under other names",
      modules: [
        ("a=a.wasm", #"(module (memory (export "one") 1) (data (i32.const 3) "\0b"))"#),
        ("b=b.wasm", #"(module (import "a" "one" (memory 1)) (export "two" (memory 0)))"#),
        ("c=c.wasm", #"(module (import "b" "two" (memory $m 1)) (memory 1) (export "three" (memory $m)))"#),
        (
          "d.wasm",
          """
          (module (import "c" "three" (memory $m 1)) (memory $own 1) (data (memory $own) (i32.const 3) "\\16")
            (func (export "run") (result i32) (i32.add (i32.load8_u $m (i32.const 3)) (i32.load8_u $own (i32.const 3)))))
          """
        ),
      ], expected: ["run() = 33"]),
    Sample(
      testDescription: "modules that pass on the host's memory",
      modules: [
        (
          "a.wasm",
          #"(module (import "env" "memory" (memory 1)) (export "memory" (memory 0)) (data (i32.const 3) "\0b"))"#
        ),
        (
          "b.wasm",
          """
          (module (import "env" "memory" (memory 1)) (export "memory" (memory 0))
            (func (export "run") (result i32) (i32.load8_u (i32.const 3))))
          """
        ),
      ], expected: ["run() = 11"]),
    Sample(
      testDescription: "a library with the program's memory and one of its own",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(#"(import "env" "peek" (func $p (result i32))) MEMORY (export "run" (func $p))"#)
        ),
        (
          "libboth.so",
          """
          (module (@dylink.0 (mem-info (memory 16 2))) (import "env" "memory" (memory $shared 1))
            (import "env" "__memory_base" (global $base i32)) (memory $own 3)
            (data (memory $shared) (global.get $base) "\\07\\00\\00\\00") (data (memory $own) (i32.const 4) "\\2a\\00\\00\\00")
            (func (export "peek") (result i32) (i32.add (i32.mul (i32.const 1000) (memory.size $own))
              (i32.add (i32.load $own (i32.const 4)) (i32.mul (i32.const 100) (i32.load $shared (global.get $base)))))))
          """
        ),
      ], expected: ["run() = 3742"]),
    Sample(
      testDescription: "a library with a memory of its own only",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(#"(import "env" "peek" (func $p (result i32))) MEMORY (export "run" (func $p))"#)
        ),
        (
          "libalone.so",
          """
          (module (@dylink.0 (mem-info)) (memory $own 3) (data (memory $own) (i32.const 4) "\\2a\\00\\00\\00")
            (func (export "peek") (result i32)
              (i32.add (i32.load $own (i32.const 4)) (i32.mul (i32.const 100) (memory.size $own)))))
          """
        ),
      ], expected: ["run() = 342"]),
    Sample(
      testDescription: "memories of 64 bits and with one-byte pages",
      modules: [
        (
          "a=a.wasm",
          #"(module (memory $m (export "m") i64 2 5) (memory $n (export "n") 70 90 (pagesize 1)) (data (memory $n) (i32.const 69) "\05"))"#
        ),
        (
          "b.wasm",
          """
          (module (import "a" "n" (memory $n 60 (pagesize 1))) (import "a" "m" (memory $m i64 1 5)) (memory 1)
            (func (export "run") (result i64) (i64.add (memory.size $m)
              (i64.extend_i32_u (i32.add (memory.size $n) (i32.mul (i32.const 100) (i32.load8_u $n (i32.const 69))))))))
          """
        ),
      ], expected: ["run() = 572"]),
  ]

  /// What an engine would refuse to link, in both orders.
  @Test(arguments: [
    (#"(memory (export "m") 1 2)"#, "(memory 3)", "(memory 1 2)"),
    (#"(memory (export "m") 1)"#, "(memory 1 9)", "(memory 1)"),
    (#"(memory (export "m") 1 10)"#, "(memory 1 9)", "(memory 1 10)"),
    (#"(memory (export "m") 1)"#, "(memory i64 1)", "(memory 1)"),
    (#"(memory (export "m") 1 2 shared)"#, "(memory 1 2)", "(memory 1 2 shared)"),
    (#"(memory (export "m") 70000 (pagesize 1))"#, "(memory 1)", "(memory 70000 (pagesize 1))"),
  ]) func mismatch(_ definition: String, _ wanted: String, _ defined: String) async throws {
    let modules = [
      ("a=a.wasm", "(module \(definition))"), ("b.wasm", #"(module (import "a" "m" \#(wanted)))"#),
    ]
    for order in [modules, modules.reversed()] {
      let sample = LiftingCase(testDescription: "", modules: order, expected: [])
      try await linkFails(
        sample.arguments(),
        mentions: [
          "memory type mismatch: a.m", "imported as \(wanted) in", "defined as \(defined) in", "a.wasm", "b.wasm",
        ])
    }
  }

  @Test func cyclesAreErrors() async throws {
    let modules = [
      ("a=a.wasm", #"(module (import "b" "y" (memory 1)) (export "x" (memory 0)))"#),
      ("b=b.wasm", #"(module (import "c" "z" (memory 1)) (export "y" (memory 0)))"#),
      ("c=c.wasm", #"(module (import "a" "x" (memory 1)) (export "z" (memory 0)))"#),
    ]
    for order in [modules, modules.reversed()] {
      try await linkFails(
        LiftingCase(testDescription: "", modules: order, expected: []).arguments(),
        mentions: [
          "memory", "import of itself", "imports it as a.x", "imports it as b.y", "imports it as c.z", "c.wasm",
        ])
    }
  }

  /// Where a library's memory could be that of either module, nobody can tell.
  @Test func severalCandidatesAreErrors() async throws {
    let owner = MemoryBindingTests.owner
    let modules = [("a.wasm", owner), ("b.wasm", owner)]
    let library = ("liblibrary.so", LiftingPlainTests.library)
    for order in [modules + [library], [library] + modules.reversed()] {
      try await linkFails(
        LiftingCase(testDescription: "", modules: order, expected: []).arguments(),
        mentions: ["a.wasm", "b.wasm", "env=FILE"])
    }
    let named = [("env=a.wasm", LiftingCase.program("MEMORY")), ("b.wasm", owner), library]
    try await LiftingCase(
      testDescription: "", modules: named, options: ["--skip-export-conflicts"], calls: [], expected: []
    ).check()
  }

  /// A module that imports a memory of the host before it defines the program's.
  @Test func objectsNeedMemoryZero() throws {
    var module = ModuleBuilder()
    module.importMemory("host", "shelf", Limits(1))
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    var object = ModuleBuilder(object: true)
    object.function("run", [], [.i32], flags: .exported, [.i32Const(16), .i32Load()])
    var archive = ArchiveBuilder()
    archive.add("member.o", object)
    for (name, file) in [("object.o", object), ("archive.a", archive)] as [(String, any InputContents)] {
      for order in [["module.wasm", name], [name, "module.wasm"]] {
        let folder = try TemporaryFolder()
        try folder.write(module.bytes, to: "module.wasm")
        try folder.write(file.fileBytes, to: name)
        let run = LinkInProcess(order, ["--no-entry", "-u", "run"] + order, in: folder.path)
        let errors = run.errors.joined(separator: "\n")
        #expect(errors.contains("uses memory 0") && errors.contains("module.wasm"), "\(order): \(errors)")
      }
    }
  }

  /// What a library defines and exports is there for all that import it, by `env` or by the library's name.
  @Test(arguments: ["library", "module"], [false, true])
  func memoriesAndTablesOfLibraries(_ kind: String, isNamed: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink())
    let shelf = library.memory(Limits(1), export: "store")
    library.data(.at(8, memory: shelf), [5])
    library.table(.funcref, Limits(2), export: "shelf")
    let six = library.function([], [.i32], [.i32Const(6)])
    library.element(.at(1), functions: [six])
    var user = kind == "library" ? ModuleBuilder(dylink: Dylink()) : ModuleBuilder()
    user.importMemory(isNamed ? "lib" : "env", "store", Limits(1))
    user.importTable(isNamed ? "lib" : "env", "shelf", .funcref, Limits(1))
    let type = user.type([], [.i32])
    user.function([], [.i32], export: "load", [.i32Const(8), .i32Load()])
    user.function([], [.i32], export: "call", [.i32Const(1), .callIndirect(type: type)])
    let inputs = try InputSet([("library.so", library), ("user", user)])
    for order in permutations([isNamed ? "lib=library.so" : "library.so", "user"]) {
      let words = ["--no-entry", "--export=load", "--export=call"] + order
      #expect(try await inputs.transcript(words, [Call("load"), Call("call")]) == "load() = 5\ncall() = 6", "\(words)")
      #expect(try ModuleDescription(inputs.link(words).bytes ?? []).imports.isEmpty, "\(words)")
    }
  }

  /// A library's block is in `env.memory`; with only another memory, its base would be an address in the wrong one.
  @Test(arguments: ["import", "named", "own"], [false, true])
  func aLibrarysBlockInAnotherMemory(_ what: String, is64: Bool) throws {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2), is64: is64)
    if what != "own" { library.importMemory("x", "shelf", Limits(1, is64: is64)) }
    let base = library.importGlobal("env", "__memory_base", .address(is64: is64))
    if what == "own" { library.memory(Limits(1, is64: is64)) }
    library.data(.active([.globalGet(base)]), [9])
    library.function([], [.i32], export: "run", [.globalGet(base), .i32Load()])
    var module = ModuleBuilder()
    module.memory(Limits(1, is64: is64), export: "shelf")
    module.global(.address(is64: is64), [.addressConst(1024, is64: is64)], export: "__heap_base")
    let inputs = try InputSet([("library.so", library), ("module.wasm", module)])
    let words = (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=run"]
    for order in what == "named" ? permutations(["library.so", "x=module.wasm"]) : [["library.so"]] {
      inputs.refuse(
        words + order, ["library.so", "__memory_base", "env.memory", what == "own" ? "its own" : "x.shelf"])
    }
  }

  /// Nor does a module's memory become one that threads share because the result is for threads.
  @Test(arguments: [false, true]) func aMemoryOfOneThreadStaysOne(isImported: Bool) throws {
    var module = ModuleBuilder()
    if isImported {
      module.importMemory("env", "memory", Limits(1, 4))
    } else {
      module.memory(Limits(1, 4), export: "memory")
    }
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.data(.active([.i32Const(16)]), [5])
    var object = ModuleBuilder(object: true)
    object.function("run", [], [.i32], flags: .exported, [.i32Const(1)])
    let inputs = try InputSet([("object.o", object), ("module.wasm", module)])
    let words = ["--no-entry", "--shared-memory", "--max-memory=262144", "--no-check-features"]
    for order in permutations(["object.o", "module.wasm"]) {
      inputs.refuse(words + order, ["module.wasm", "--shared-memory"])
    }
  }

  /// Threads would set up again what is placed in a memory that they share.
  @Test func dataInASharedMemoryIsSetUpOnce() async throws {
    var module = ModuleBuilder()
    let bump = module.importFunction("env", "bump", [], [.i32])
    module.memory(Limits(1, 4, shared: true), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.function([], [.i32], export: "run", [.call(bump)])
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.function([], [.i32], export: "bump", [.globalGet(base.memory), .i32Load()])
    library.data(.active([.globalGet(base.memory)]), [5, 0, 0, 0])
    var object = ModuleBuilder(object: true)
    let value = object.data("value", [5, 0, 0, 0])
    object.function("bump", [], [.i32], [.address(value), .i32Load()])
    for (name, file) in [("library.so", library), ("object.o", object)] {
      for order in [["module.wasm", name], [name, "module.wasm"]] {
        let folder = try TemporaryFolder()
        try folder.write(module.bytes, to: "module.wasm")
        try folder.write(file.bytes, to: name)
        let run = LinkInProcess(order, order, in: folder.path)
        #expect(run.errors.contains { $0.contains(name) && $0.contains("--shared-memory") }, "\(run.errors)")
        let threads = ["--shared-memory", "--features=atomics,bulk-memory,mutable-globals"]
        let shared = LinkInProcess(order, threads + order, in: folder.path)
        #expect(shared.bytes != nil, "\(order): \(shared.errors)")
      }
    }
  }
}
