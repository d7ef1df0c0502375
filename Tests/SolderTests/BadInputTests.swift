import Foundation
import Testing

/// Every wrong input gives a message that names it, exit code 1, and leaves the output file alone.
@Suite struct BadInputTests {
  private func object(_ name: String, _ source: String, _ flags: [String] = Toolchain.freestanding) async throws
    -> String
  {
    try await Toolchain.shared.compiled(name, source, flags)
  }

  private func good() async throws -> String { try await object("good", "void _start(void) {}") }

  @Test func aMissingFile() async throws {
    try await linkFails([good(), "missing.o"], mentions: ["missing.o", "No such file or directory"])
  }

  @Test func aFolder() async throws {
    let folder = try TemporaryFolder()
    try await linkFails([good(), folder.path], mentions: [folder.path, "directory"])
  }

  @Test func anEmptyFile() async throws {
    let folder = try TemporaryFolder()
    try await linkFails([good(), folder.write([UInt8](), to: "empty.o")], mentions: ["empty.o", "empty"])
  }

  @Test func anELFFile() async throws {
    let path = try await object("native", "int f(void) { return 1; }", ["--target=x86_64-unknown-linux-gnu"])
    try await linkFails([good(), path], mentions: ["native.o", "ELF"])
  }

  @Test func bitcode() async throws {
    let path = try await object("optimized", "int f(void) { return 1; }", Toolchain.freestanding + ["-flto"])
    let start = String(decoding: try contents(of: path).prefix(2), as: UTF8.self)
    #expect(start == "BC")
    try await linkFails([good(), path], mentions: ["optimized.o", "bitcode"])
  }

  /// Nothing has to be there that start-up code could replace.
  @Test(arguments: ["--no-entry", "-r"]) func aGlobalWithoutAValue(_ word: String) throws {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    let base = library.importMemoryAndBases().memory
    let global = library.global(.i32, isMutable: true, [])
    _ = library.global(.i32, [.i32Const(1_000_000)])
    library.function(export: "__wasm_apply_global_relocs", [.globalGet(base), .globalSet(global)])
    try refused(["lib.so": library], word, mentions: ["lib.so", "a constant expression has no value"])
  }

  /// The number of a block takes no more than 32 bits.
  @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0x80, 0x80, 0x80, 0x10]] as [[UInt8]])
  func aLabelThatIsNoNumber(_ label: [UInt8]) throws {
    var library = ModuleBuilder(dylink: Dylink())
    library.function(export: "f", ([0x06, 0x40, 0x18] + label).map { .raw($0) })
    try refused(["lib.so": library], "--no-entry", mentions: ["lib.so", "at offset 0x"])
  }

  @Test func aComponent() async throws {
    let path = try await Toolchain.shared.assembled("component.wasm", "(component (core module (func (export \"f\"))))")
    #expect(try contents(of: path)[4...6] == [0x0d, 0, 1])
    try await linkFails([good(), path], mentions: ["component.wasm", "component"])
  }

  @Test func textAndOtherThings() async throws {
    let folder = try TemporaryFolder()
    try await linkFails([good(), folder.write("(module)", to: "text.wat")], mentions: ["text.wat", "text"])
    try await linkFails([good(), folder.write("hello, world\n", to: "notes.txt")], mentions: ["notes.txt"])
    try await linkFails([good(), folder.write([0, 0x61, 0x73], to: "short.wasm")], mentions: ["short.wasm"])
    try await linkFails(
      [good(), folder.write([0, 0x61, 0x73, 0x6d, 9, 0, 0, 0], to: "future.wasm")],
      mentions: ["future.wasm", "version"])
  }

  @Test func aPlainModuleThatDoesNotSayWhereItsMemoryEnds() async throws {
    let program = try await Toolchain.shared.assembled(
      "silent.wasm",
      """
      (module (import "env" "f" (func $f (result i32))) (memory (export "memory") 1) (data (i32.const 16) "data")
        (func (export "run") (result i32) (call $f)))
      """)
    let library = try await Toolchain.shared.sharedLibrary(
      "libdata.so",
      [object("data", "static int n = 5; int f(void) { return n++; }", Toolchain.freestanding + libraryFlags)])
    try await linkFails([program, library], mentions: ["silent.wasm", "__heap_base"])
    let told = try await link([program, library, "--heap-base=1024"])
    #expect(
      try await WebAssemblyHost.shared.invoke(told.path, [Call("run"), Call("run")])
        == "instantiated\nrun() = 5\nrun() = 6\n")
  }

  @Test func finishedModulesInOutputsThatNeedObjects() async throws {
    let library = try await object("library", "int f(void) { return 1; }", Toolchain.freestanding + libraryFlags)
    let folder = try TemporaryFolder()
    let shared = folder.file("libf.so")
    let link = try await execute(
      Tool.wasmLinker.path(), ["-shared", "--experimental-pic", library, "-o", shared], in: folder.path)
    #expect(link.succeeded)
    try await linkFails([good(), shared, "--emit-relocs"], mentions: ["libf.so", "shared library", "--emit-relocs"])
    let program = try await Toolchain.shared.assembled(
      "fixed.wasm", "(module (memory 1) (global (export \"__heap_base\") i32 (i32.const 64)))")
    for option in ["-shared", "-pie"] {
      try await linkFails(
        [library, program, option, "--experimental-pic"], mentions: ["fixed.wasm", "fixed addresses", option])
    }
  }

  @Test func memoryThatCannotFit() async throws {
    let program = try await Toolchain.shared.assembled(
      "small.wasm",
      """
      (module (import "env" "f" (func $f (result i32))) (memory (export "memory") 1 2)
        (global (export "__heap_base") i32 (i32.const 1024)) (func (export "run") (result i32) (call $f)))
      """)
    let library = try await Toolchain.shared.sharedLibrary(
      "libdata.so",
      [object("data", "char a[300000]; int f(void) { return a[5]; }", Toolchain.freestanding + libraryFlags)])
    // What a module declares of its own memory rises as needed; what the command line or the host declares is a limit.
    let risen = try await link([program, library])
    #expect(try await WebAssemblyHost.shared.invoke(risen.path, [Call("run")]) == "instantiated\nrun() = 0\n")
    #expect((risen.module.memories.first?.maximum ?? 0) > 4)
    try await linkFails([program, library, "--max-memory=131072"], mentions: ["memory too small"])
    let importing = try await Toolchain.shared.assembled(
      "importing.wasm",
      """
      (module (import "env" "f" (func $f (result i32))) (import "host" "memory" (memory 1 2))
        (global (export "__heap_base") i32 (i32.const 1024)) (func (export "run") (result i32) (call $f)))
      """)
    try await linkFails([importing, library], mentions: ["importing.wasm", "memory of at most 2 pages"])
    try await linkFails([good(), library, "--max-memory=131072", "--export=f"], mentions: ["memory too small"])
  }

  @Test func addressWidthsDoNotMix() async throws {
    let wide = try await object(
      "wide", "int f(void) { return 1; }", ["--target=wasm64-unknown-unknown", "-ffreestanding", "-O1"])
    try await linkFails([good(), wide], mentions: ["wide.o", "wasm64"])
    try await linkFails(["-mwasm64", wide, good()], mentions: ["good.o", "wasm32", "wasm64"])
    let wideLibrary = try await Toolchain.shared.sharedLibrary(
      "libwide.so",
      [
        object(
          "pic", "static int n = 1; int f(void) { return n++; }",
          ["--target=wasm64-unknown-unknown", "-ffreestanding", "-O1"] + libraryFlags)
      ], ["-mwasm64"])
    try await linkFails([good(), wideLibrary], mentions: ["libwide.so", "wasm64"])
    let plain = try await Toolchain.shared.assembled(
      "plain64.wasm",
      #"(module (import "env" "f" (func $f)) (memory (export "memory") i64 1) (global (export "__heap_base") i64 (i64.const 64)))"#
    )
    let library = try await Toolchain.shared.sharedLibrary(
      "libnarrow.so",
      [object("narrow", "static int n; int f(void) { return n++; }", Toolchain.freestanding + libraryFlags)])
    try await linkFails(["-mwasm64", plain, library], mentions: ["libnarrow.so", "wasm32"])
  }

  @Test func anOutputThatCannotBeWritten() async throws {
    let folder = try TemporaryFolder()
    let run = try await execute(Solder.path, [good(), "-o", folder.file("no/such/folder/out.wasm")])
    #expect(run.ending == .exit(1))
    #expect(run.errors.hasPrefix("solder: error: ") && run.errors.contains("no/such/folder/out.wasm"), "\(run.errors)")
    let onto = try await execute(Solder.path, [good(), "-o", folder.path])
    #expect(onto.ending == .exit(1))
    #expect(onto.errors.contains(folder.path), "\(onto.errors)")
  }

  /// Messages about the inside of a file say where, and of an archive which member.
  @Test func offsetsAndMembers() async throws {
    let folder = try TemporaryFolder()
    let bytes = try await contents(of: good())
    let cut = try folder.write(bytes.prefix(bytes.count - 9), to: "cut.o")
    let message = try await linkFails([cut], mentions: ["cut.o"])
    #expect(message.contains { $0.isNumber }, "no offset in \(message)")
    let archive = try await Toolchain.shared.archive("libcut.a", [cut], flags: "rcS")
    try await linkFails(["--whole-archive", archive], mentions: ["libcut.a", "cut.o"])
  }

  @Test func anErrorInsideAResponseFile() async throws {
    let folder = try TemporaryFolder()
    let endless = folder.file("endless.rsp")
    try folder.write("@\(endless)", to: "endless.rsp")
    let run = try await execute(Solder.path, ["@\(endless)", "-o", folder.file("out")], timeLimit: .seconds(20))
    #expect(run.ending == .exit(1), "\(run.ending)")
  }
}
