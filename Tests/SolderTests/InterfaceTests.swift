import Foundation
import Testing

/// What `Scripts/install` puts somewhere: the program, and the library for C with examples in C and in Rust. `Scripts/test` installs
/// into `.build/prefix`; without that there is nothing to test.
@Suite(.enabled(if: Installation.exists, "Scripts/install has not run"))
struct InterfaceTests {
  private static let answer: ModuleBuilder = {
    var object = ModuleBuilder(object: true)
    object.function("answer", [], [.i32], flags: .exported, [.i32Const(42)])
    return object
  }()

  private static let caller: ModuleBuilder = {
    var object = ModuleBuilder(object: true)
    let answer = object.undefinedFunction("answer", [], [.i32])
    object.function("run", [], [.i32], flags: .exported, [.call(answer)])
    return object
  }()

  /// Compiles a program for this machine.
  private func compile(_ source: String, _ flags: [String], in folder: TemporaryFolder) async throws -> String {
    let output = folder.file("program")
    let run = try await execute(
      "/usr/bin/env", ["cc", "-Wall", "-Wextra", "-Werror", "-o", output, source] + flags, in: folder.path)
    #expect(run.succeeded, "\(run.errors)")
    return output
  }

  private static let shared = [
    "-I\(Installation.prefix)/include", "-L\(Installation.prefix)/lib", "-lsolder",
    "-Wl,-rpath,\(Installation.prefix)/lib", "-lpthread",
  ]
  private static let archived = [
    "-I\(Installation.prefix)/include", "\(Installation.prefix)/lib/libsolder.a", "-lstdc++", "-lpthread", "-ldl",
    "-lm",
  ]

  /// What the examples do, whichever language they are in.
  private func check(_ program: String, in folder: TemporaryFolder, _ options: [String]) async throws {
    try folder.write(Self.answer.bytes, to: "answer.o")
    try folder.write(Self.caller.bytes, to: "caller.o")
    let linked = try await execute(program, ["out.wasm", "caller.o", "answer.o"] + options, in: folder.path)
    #expect(linked.succeeded, "\(linked.errors)")
    let transcript = try await WebAssemblyHost.shared.invoke(folder.file("out.wasm"), [Call("run")])
    #expect(transcript == "instantiated\nrun() = 42\n")
    let failed = try await execute(program, ["out.wasm", "caller.o"] + options, in: folder.path)
    #expect(!failed.succeeded && failed.errors.contains("undefined symbol: answer"), "\(failed.errors)")
  }

  // MARK: The library

  @Test func exampleInC() async throws {
    for flags in [Self.shared, Self.archived] {
      let folder = try TemporaryFolder()
      let program = try await compile("\(Repository.root)/Examples/C/link.c", flags, in: folder)
      try await check(program, in: folder, ["--", "--no-entry"])
    }
  }

  @Test func exampleInRust() async throws {
    let folder = try TemporaryFolder()
    let library = Installation.prefix + "/lib"
    let run = try await execute(
      "/usr/bin/env",
      [
        "rustc", "-o", folder.file("link"), "\(Repository.root)/Examples/Rust/link.rs", "-L", "native=\(library)", "-C",
        "link-arg=-Wl,-rpath,\(library)",
      ], in: folder.path)
    #expect(run.succeeded, "\(run.errors)")
    try await check(folder.file("link"), in: folder, [])
  }

  @Test func packageConfig() async throws {
    let tool = try Installation.tool("pkg-config")
    let run = try await execute(
      tool, ["--cflags", "--libs", "solder"],
      environment: ["PKG_CONFIG_PATH": Installation.prefix + "/lib/pkgconfig"])
    #expect(run.succeeded)
    let flags = run.output.split(whereSeparator: \.isWhitespace).map(String.init)
    let folder = try TemporaryFolder()
    _ = try await compile("\(Repository.root)/Examples/C/link.c", flags, in: folder)
  }

  @Test func cmakePackage() async throws {
    let tool = try Installation.tool("cmake")
    let folder = try TemporaryFolder()
    let source = Repository.root + "/Examples/C"
    let run = try await execute(
      tool, ["-S", source, "-B", folder.path, "-DCMAKE_PREFIX_PATH=\(Installation.prefix)"], in: folder.path)
    #expect(run.succeeded, "\(run.errors)")
    let build = try await execute(tool, ["--build", folder.path], in: folder.path)
    #expect(build.succeeded, "\(build.output)\(build.errors)")
    try await check(folder.file("link"), in: folder, ["--", "--no-entry"])
  }

  /// Every call with null pointers, links that are used twice, and links on many threads.
  @Test func misuseAndThreads() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.answer.bytes, to: "answer.o")
    try folder.write(
      #"""
      #include <assert.h>
      #include <pthread.h>
      #include <solder.h>
      #include <stdio.h>
      #include <string.h>

      static unsigned char object[4096];
      static size_t size;

      static void count(void *context, const solder_diagnostic *diagnostic) {
        assert(diagnostic->code && diagnostic->text && diagnostic->message && diagnostic->notes && diagnostic->files);
        assert(!diagnostic->notes[diagnostic->note_count] && !diagnostic->files[diagnostic->file_count]);
        if (diagnostic->severity == SOLDER_ERROR) ++*(int *)context;
      }

      static solder_link *prepared(int *errors) {
        const char *arguments[] = {"--no-entry", "--threads=2"};
        solder_link *link = solder_link_create();
        assert(solder_link_set_diagnostics(link, count, errors) == SOLDER_OK);
        assert(solder_link_add_arguments(link, arguments, 2) == SOLDER_OK);
        assert(solder_link_add_bytes(link, "answer.o", NULL, object, size) == SOLDER_OK);
        return link;
      }

      /// Pages that the process has in memory.
      static long resident(void) {
        long all = 0, pages = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        if (!file) return 0;
        assert(fscanf(file, "%ld %ld", &all, &pages) == 2);
        fclose(file);
        return pages;
      }

      static void *work(void *argument) {
        (void)argument;
        for (int i = 0; i < 20; i++) {
          int errors = 0;
          solder_link *link = prepared(&errors);
          solder_result *result;
          assert(solder_link_run(link, &result) == SOLDER_OK && errors == 0);
          assert(memcmp(solder_result_bytes(result), "\0asm", 4) == 0);
          solder_result_destroy(result);
          solder_link_destroy(link);
        }
        return NULL;
      }

      int main(void) {
        FILE *file = fopen("answer.o", "rb");
        size = fread(object, 1, sizeof object, file);
        fclose(file);

        solder_result *result;
        assert(solder_link_add_arguments(NULL, NULL, 0) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_add_bytes(NULL, "a", NULL, "b", 1) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_set_diagnostics(NULL, NULL, NULL) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_run(NULL, &result) == SOLDER_INVALID_ARGUMENT && result == NULL);
        assert(solder_link_write(NULL, NULL) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_cancel(NULL) == SOLDER_INVALID_ARGUMENT);
        solder_link_destroy(NULL);
        solder_result_destroy(NULL);
        assert(solder_result_bytes(NULL) == NULL && solder_result_size(NULL) == 0);
        assert(solder_result_import_count(NULL) == 0 && solder_result_import_module(NULL, 0) == NULL);
        assert(solder_result_import_name(NULL, 0) == NULL && solder_result_export_name(NULL, 0) == NULL);
        assert(solder_result_export_count(NULL) == 0 && solder_result_map(NULL) == NULL);
        assert(solder_main(0, NULL) == 1);

        int errors = 0;
        solder_link *link = solder_link_create();
        const char *holes[] = {"--no-entry", NULL};
        assert(solder_link_add_arguments(link, holes, 2) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_add_arguments(link, NULL, 1) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_add_arguments(link, NULL, 0) == SOLDER_OK);
        assert(solder_link_add_bytes(link, NULL, NULL, "b", 1) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_add_bytes(link, "a", NULL, NULL, 1) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_add_bytes(link, "a", NULL, NULL, 0) == SOLDER_OK);
        assert(solder_link_set_diagnostics(link, count, &errors) == SOLDER_OK);
        assert(solder_link_run(link, NULL) == SOLDER_INVALID_ARGUMENT);
        assert(solder_link_run(link, &result) == SOLDER_FAILED && result == NULL && errors > 0);
        assert(solder_link_run(link, &result) == SOLDER_INVALID_ARGUMENT && result == NULL);
        assert(solder_link_add_arguments(link, NULL, 0) == SOLDER_INVALID_ARGUMENT);
        solder_link_destroy(link);

        errors = 0;
        link = prepared(&errors);
        assert(solder_link_cancel(link) == SOLDER_OK);
        assert(solder_link_run(link, &result) == SOLDER_CANCELLED && errors == 1);
        solder_link_destroy(link);

        link = prepared(&errors);
        const char *output[] = {"-o", "out.wasm"};
        assert(solder_link_add_arguments(link, output, 2) == SOLDER_OK);
        assert(solder_link_write(link, &result) == SOLDER_OK && solder_result_bytes(result) == NULL);
        assert(solder_result_size(result) > 8 && strstr(solder_result_map(result), "answer"));
        assert(solder_result_export_count(result) == 2 && !solder_result_export_name(result, 2));
        solder_result_destroy(result);
        solder_link_destroy(link);

        // A reproduction knows what is no file by its name.
        link = prepared(&errors);
        const char *reproduce[] = {"--reproduce=all.tar"};
        assert(solder_link_add_arguments(link, reproduce, 1) == SOLDER_OK);
        assert(solder_link_run(link, &result) == SOLDER_OK);
        solder_result_destroy(result);
        solder_link_destroy(link);
        static char tar[65536];
        file = fopen("all.tar", "rb");
        size_t length = fread(tar, 1, sizeof tar - 1, file);
        fclose(file);
        const char *response = tar + 512;
        assert(length > 1024 && strstr(response, "--threads=2\n") && strstr(response, "/answer.o\n"));

        link = solder_link_create();
        const char *version[] = {"--version"};
        assert(solder_link_add_arguments(link, version, 1) == SOLDER_OK);
        assert(solder_link_set_diagnostics(link, count, &errors) == SOLDER_OK);
        assert(solder_link_run(link, &result) == SOLDER_PRINTED && result == NULL);
        solder_link_destroy(link);

        // What a process needs once it has after the first links; thousands more leave nothing.
        long before = 0;
        for (int round = 0; round < 50; round++) {
          pthread_t threads[4];
          for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
          for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
          if (round == 9) before = resident();
        }
        long growth = (resident() - before) * 4;
        if (growth > 8192) fprintf(stderr, "%ld kB more after 3200 links\n", growth);
        assert(growth <= 8192);
        assert(strchr(solder_version(), '.') && strlen(solder_status_text(SOLDER_CANCELLED)) > 0);
        assert(strlen(solder_status_text((solder_status)99)) > 0);
        puts("done");
        return 0;
      }
      """#, to: "test.c")
    for flags in [Self.shared, Self.archived] {
      let program = try await compile(folder.file("test.c"), flags, in: folder)
      let run = try await execute(program, [], in: folder.path)
      #expect(run.succeeded && run.output.hasSuffix("done\n"), "\(run.output)\(run.errors)")
    }
  }

  // MARK: The program

  @Test func installedProgram() async throws {
    let program = Installation.prefix + "/bin/solder"
    let run = try await execute(program, ["--version"])
    #expect(run.output.hasPrefix("Solder "))
    for path in [
      "share/man/man1/solder.1", "share/bash-completion/completions/solder", "share/zsh/site-functions/_solder",
      "share/fish/vendor_completions.d/solder.fish", "include/solder.h", "share/solder/wasm32-wasi.cmake",
    ] {
      let text = try String(contentsOfFile: "\(Installation.prefix)/\(path)", encoding: .utf8)
      #expect(text.contains("solder"), "\(path)")
    }
  }

  @Test func installingNowhere() async throws {
    let script = Repository.root + "/Scripts/install"
    for (words, message) in [
      ([], "usage"), (["a", "b"], "two prefixes"), (["--wasm-lld", "a"], "unknown argument"),
      (["/proc/nowhere"], "cannot write to /proc/nowhere"),
    ] {
      let run = try await execute(script, words)
      #expect(!run.succeeded && run.errors.contains(message), "\(words): \(run.errors)")
    }
  }

  @Test func cmakeToolchain() async throws {
    let tool = try Installation.tool("cmake")
    let folder = try TemporaryFolder()
    try folder.write("#include <stdio.h>\nint main(void) { puts(\"hello\"); }\n", to: "hello.c")
    try folder.write(
      "cmake_minimum_required(VERSION 3.16)\nproject(hello C)\nadd_executable(hello hello.c)\n", to: "CMakeLists.txt")
    let configured = try await execute(
      tool,
      [
        "-S", folder.path, "-B", folder.file("build"), "-DCMAKE_C_COMPILER=clang-19",
        "-DCMAKE_TOOLCHAIN_FILE=\(Installation.prefix)/share/solder/wasm32-wasi.cmake",
      ], in: folder.path)
    #expect(configured.succeeded, "\(configured.output)\(configured.errors)")
    let built = try await execute(tool, ["--build", folder.file("build")], in: folder.path)
    #expect(built.succeeded, "\(built.output)\(built.errors)")
    let run = try await execute(try Tool.wasmkit.path(), ["run", folder.file("build/hello.wasm")])
    #expect(run.output == "hello\n", "\(run.errors)")
  }

  @Test func meson() async throws {
    let tool = try Installation.tool("meson")
    let folder = try TemporaryFolder()
    try folder.write("#include <stdio.h>\nint main(void) { puts(\"hello\"); }\n", to: "hello.c")
    try folder.write("project('hello', 'c')\nexecutable('hello', 'hello.c', name_suffix: 'wasm')\n", to: "meson.build")
    try folder.write(
      """
      [binaries]
      c = 'clang-19'
      [built-in options]
      c_args = ['--target=wasm32-wasi']
      c_link_args = ['--target=wasm32-wasi', '-fuse-ld=\(Installation.prefix)/bin/solder']
      [host_machine]
      system = 'wasi'
      cpu_family = 'wasm32'
      cpu = 'wasm32'
      endian = 'little'

      """, to: "cross.ini")
    let configured = try await execute(tool, ["setup", "build", "--cross-file", "cross.ini"], in: folder.path)
    #expect(configured.succeeded, "\(configured.output)\(configured.errors)")
    let built = try await execute(tool, ["compile", "-C", "build"], in: folder.path)
    #expect(built.succeeded, "\(built.output)\(built.errors)")
    let run = try await execute(try Tool.wasmkit.path(), ["run", folder.file("build/hello.wasm")])
    #expect(run.output == "hello\n", "\(run.errors)")
  }

  /// Debian's cargo goes with its rustc, which has WebAssembly's standard library.
  @Test func cargo() async throws {
    let tool = try Installation.tool("cargo", in: ["/usr/bin"])
    let folder = try TemporaryFolder()
    for path in ["src", ".cargo"] {
      try FileManager.default.createDirectory(atPath: folder.file(path), withIntermediateDirectories: true)
    }
    try folder.write("[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n", to: "Cargo.toml")
    try folder.write("fn main() { println!(\"hello\"); }\n", to: "src/main.rs")
    let environment = ["PATH": "/usr/bin:/bin"]
    let targets = try await execute("/usr/bin/rustc", ["--print", "target-list"], environment: environment)
    let target = try #require(["wasm32-wasip1", "wasm32-wasi"].first { targets.output.contains($0 + "\n") })
    try folder.write(
      """
      [target.\(target)]
      linker = "\(Installation.prefix)/bin/solder"
      rustflags = ["-C", "linker-flavor=wasm-ld", "-C", "link-arg=--no-fatal-warnings"]

      """, to: ".cargo/config.toml")
    let run = try await execute(
      tool, ["build", "--offline", "--target", target], in: folder.path, environment: environment)
    #expect(run.succeeded, "\(run.errors)")
    let hello = try await execute(try Tool.wasmkit.path(), ["run", folder.file("target/\(target)/debug/hello.wasm")])
    #expect(hello.output == "hello\n", "\(hello.errors)")
  }
}

/// Where `Scripts/install` put everything.
private enum Installation {
  static let prefix = ProcessInfo.processInfo.environment["SOLDER_PREFIX"] ?? Repository.root + "/.build/prefix"

  static let exists = FileManager.default.fileExists(atPath: prefix + "/lib/libsolder.a")

  /// A tool that `Scripts/prerequisites` brings.
  static func tool(_ name: String, in folders: [String]? = nil) throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = folders ?? path.split(separator: ":").map(String.init)
    return try #require(
      folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) },
      "there is no \(name): run Scripts/prerequisites")
  }
}
