import Foundation
import SolderCommandLine
import SolderLinker
import Synchronization
import Testing

/// `Docs/Guide.md` as a stranger follows it: its files are written, its commands run as they stand, and what they print and
/// what its table of messages says is compared.
@Suite struct GuideTests {
  private static func guide() throws -> String {
    try String(contentsOfFile: Repository.root + "/Docs/Guide.md", encoding: .utf8)
  }

  private struct Block {
    let language: String
    let text: String
    /// The file name in backquotes that the text in front of the block ends with.
    let fileName: String?
  }

  private static func blocks(_ guide: String) -> [Block] {
    var blocks: [Block] = []
    var (language, lines, lastText) = (String?.none, [String](), "")
    for line in guide.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if let open = language {
        guard line == "```" else {
          lines.append(line)
          continue
        }
        let fileName = lastText.matches(of: #/[Aa] file `([^`]*)`[^`]*:$/#).last.map { String($0.1) }
        blocks.append(Block(language: open, text: lines.joined(separator: "\n") + "\n", fileName: fileName))
        (language, lines) = (nil, [])
      } else if line.hasPrefix("```") {
        language = String(line.dropFirst(3))
      } else if !line.isEmpty {
        lastText = line
      }
    }
    return blocks
  }

  @Test func commands() async throws {
    let folder = try TemporaryFolder()
    let tools = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(atPath: tools.file("solder"), withDestinationPath: Solder.path)
    let toolchain = URL(filePath: try Tool.clang.path()).deletingLastPathComponent().path
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    // Debian's rustc comes with wasm32's standard library, another one in PATH may not.
    let environment = [
      "PATH": "\(tools.path):\(toolchain):/usr/bin:/bin:\(path)"
    ].merging(WebAssemblyHost.environment) { $1 }
    var output = ""
    var count = 0
    for block in Self.blocks(try Self.guide()) {
      switch block.language {
      case "sh":
        let run = try await execute(
          "/bin/bash", ["-euo", "pipefail", "-c", block.text], in: folder.path, environment: environment)
        #expect(run.succeeded, "\(block.text)\n\(run.errors)")
        output = run.output
        count += 1
      case "text": #expect(output == block.text)
      // Of a tool that is not there.
      case "python": break
      default:
        let name = try #require(block.fileName, "no name for\n\(block.text)")
        try folder.write(block.text, to: name)
      }
    }
    #expect(count == 9)
  }

  // MARK: Messages

  private static func object(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    change(&object)
    return object
  }

  private static func caller(_ name: String, parameters: [WasmType] = []) -> ModuleBuilder {
    object { object in
      let missing = object.undefinedFunction(name, parameters, [.i32])
      object.function("run", [], [.i32], flags: .exported, parameters.map { _ in .i32Const(1) } + [.call(missing)])
    }
  }

  private static func definer(_ name: String, local: Bool = false) -> ModuleBuilder {
    object { $0.function(name, [], [.i32], flags: local ? .local : [], [.i32Const(1)]) }
  }

  private static func module(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var module = ModuleBuilder()
    change(&module)
    return module
  }

  private static let exporter = module { $0.function([], [.i32], export: "main", [.i32Const(1)]) }

  private static func importer(_ moduleName: String, _ name: String) -> ModuleBuilder {
    module { module in
      let imported = module.importFunction(moduleName, name, [], [.i32])
      module.function([], [.i32], export: "call", [.call(imported)])
    }
  }

  private static let hidingLibrary: ModuleBuilder = {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0))
    _ = library.importMemoryAndBases()
    library.function([], [.i32], name: "helper", [.i32Const(1)])
    return library
  }()

  private static let silentLibrary: ModuleBuilder = {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0))
    _ = library.importMemoryAndBases()
    library.function([], [.i32], [.i32Const(1)])
    return library
  }()

  private static let lostConstructors: ModuleBuilder = {
    var library = silentLibrary
    library.function([], [.i32], export: "count", [.i32Const(1)])
    library.function([], [], name: "__wasm_call_ctors", [.i32Const(1), .drop])
    return library
  }()

  private static let bitcodeArchive: ArchiveBuilder = {
    var archive = ArchiveBuilder()
    archive.add("lib.o", [0x42, 0x43, 0xC0, 0xDE, 1, 2, 3, 4], symbols: ["lib"])
    return archive
  }()

  private static func heapImporter(_ moduleName: String, _ name: String) -> ModuleBuilder {
    module { module in
      let imported = module.importFunction(moduleName, name, [], [.i32])
      module.memory(Limits(1), export: "memory")
      module.global(.i32, [.i32Const(1024)], export: "__heap_base")
      module.function([], [.i32], export: "call", [.call(imported)])
    }
  }

  private static let dataLibrary: ModuleBuilder = {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.data(.active([.globalGet(base.memory)]), [1, 2, 3, 4])
    library.function([], [.i32], export: "read", [.globalGet(base.memory), .i32Load()])
    return library
  }()

  /// How a mistake is made: by a command line, or with the library.
  private enum Mistake {
    case link(KeyValuePairs<String, any InputContents>, [String])
    case library(@Sendable (Diagnostics) -> Void)
    /// A text that is only there for callers from C.
    case text(String)
  }

  private static func options(_ change: (inout LinkOptions) -> Void) -> LinkOptions {
    var options = LinkOptions()
    options.entryPoint = .none
    change(&options)
    return options
  }

  private static func bytes(_ name: String, _ bytes: [UInt8]) -> InputArgument {
    InputArgument(.bytes(InputBytes(name: name, bytes)))
  }

  private static func heapModule(isMutable: Bool, _ heapBase: Int32) -> ModuleBuilder {
    module { module in
      let read = module.importFunction("env", "read", [], [.i32])
      module.memory(Limits(1), export: "memory")
      module.data(.at(16), Array(repeating: 1, count: 64))
      module.global(.i32, isMutable: isMutable, [.i32Const(heapBase)], export: "__heap_base")
      module.function([], [.i32], export: "run", [.call(read)])
    }
  }

  private static let stackModule = module { module in
    let read = module.importFunction("env", "read", [], [.i32])
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.global(.i32, [.i32Const(1024)], export: "__stack_pointer")
    module.function([], [.i32], export: "run", [.call(read)])
  }

  private static let program = module { module in
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.function([], [], export: "_start", [])
  }

  /// The mistakes of the tables, in their order.
  private static let mistakes: [Mistake] = [
    // Whole modules.
    .link(
      [
        "a.wasm": module { module in
          let read = module.importFunction("env", "read", [], [.i32])
          module.memory(Limits(1), export: "memory")
          module.data(.at(16), [1])
          module.function([], [.i32], export: "run", [.call(read)])
        }, "libd.so": dataLibrary,
      ], []),
    .link(["a.wasm": heapModule(isMutable: true, 1024), "libd.so": dataLibrary], []),
    .link(["a.wasm": heapModule(isMutable: false, 32), "libd.so": dataLibrary], []),
    .link(["a.wasm": stackModule, "libd.so": dataLibrary], []),
    .link(
      ["a.wasm": exporter, "b.wasm": importer("runtme", "main")], ["runtime=a.wasm", "b.wasm", "--fatal-warnings"]),
    .link(["a.wasm": exporter, "b.wasm": importer("a", "absent")], ["a=a.wasm", "b.wasm"]),
    .link(
      ["b.wasm": importer("rt", "read"), "libd.so": dataLibrary], ["--unresolved-imports=error", "--heap-base=1024"]),
    .link(
      [
        "a.wasm": module { module in
          let add = module.importFunction("env", "add", [.i32], [.i32])
          module.function([], [.i32], export: "run", [.i32Const(1), .call(add)])
        }, "lib.o": definer("add"),
      ], ["--no-entry"]),
    .link(["a.wasm": exporter, "b.wasm": exporter], ["a=a.wasm", "b=b.wasm"]),
    .link(["a.wasm": heapImporter("rt", "read"), "libd.so": dataLibrary], ["--fatal-warnings"]),
    .link(["a.wasm": importer("rt", "helper"), "libx.so": silentLibrary], ["a.wasm", "rt=libx.so"]),
    .link(
      [
        "a.wasm": module { $0.memory(Limits(1), export: "memory") },
        "rt.wasm": module { $0.memory(Limits(2), export: "memory") },
      ], []),
    .link(["a.wasm": program, "b.wasm": program], []),
    .link(["a.wasm": [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0] as [UInt8]], []),
    .link(["a.wasm": "(module)"], []),
    // Objects.
    .link(["main.o": caller("add"), "lib.o": definer("_Z3addii")], ["--no-entry"]),
    .link(["main.o": caller("helper"), "libx.so": hidingLibrary], ["--no-entry"]),
    .link(["main.o": caller("helper"), "lib.o": definer("helper", local: true)], ["--no-entry"]),
    .link(["main.o": caller("printf")], ["--no-entry"]),
    .link(["main.o": caller("_ZTV1A")], ["--no-entry"]),
    .link(["lib.o": definer("_Z3addii")], ["--no-entry", "--export=add"]),
    .link(["main.o": caller("dlopen")], ["--no-entry"]),
    .link(["main.o": caller("lib"), "lib.a": bitcodeArchive], ["--no-entry"]),
    .link(["main.o": definer("run")], ["-shared", "--experimental-pic", "--entry=_initialize"]),
    .link(["main.o": caller("count"), "libx.so": lostConstructors], ["--no-entry", "--fatal-warnings"]),
    .link(["main.o": caller("malloc")], ["-shared", "--experimental-pic", "--export-all"]),
    .link(["main.o": caller("conter"), "lib.o": definer("counter")], ["--no-entry"]),
    .link(["main.o": definer("run")], []),
    .link(
      [
        "main.o": object { object in
          let data = object.data("value", [1, 2, 3, 4])
          object.function("run", [], [.i32], flags: .exported, [.address(data)])
        }
      ], ["-shared", "--experimental-pic"]),
    .link(["main.o": definer("run")], ["main.o", "--no-entri"]),
    .link(["main.o": definer("run")], ["main.o", "--no-entry", "-lmissing"]),
    .link(
      ["main.o": caller("add", parameters: [.i32]), "lib.o": definer("add")], ["--no-entry", "--fatal-warnings"]),
    .link(["main.o": [0x42, 0x43, 0xC0, 0xDE, 1, 2, 3, 4] as [UInt8]], ["--no-entry"]),
    .link(["main.o": definer("run")], ["main.o", "main.o", "--no-entry"]),
    .link(["main.o": definer("_start"), "program.wasm": program], []),
    // The library.
    .library { diagnostics in
      let options = options { $0.inputs = [InputArgument(.file("/nowhere/a.o"))] }
      #expect(linkToBytes(options, diagnostics) == nil && linkToBytes(options, diagnostics) == nil)
    },
    .library { #expect(linkToBytes(options { _ in }, $0) == nil) },
    .library { #expect(linkToBytes(options { $0.inputs = [bytes("empty.o", [])] }, $0) == nil) },
    .library { diagnostics in
      let half = Array(definer("run").bytes.prefix(20))
      #expect(linkToBytes(options { $0.inputs = [bytes("half.o", half)] }, diagnostics) == nil)
    },
    .library { #expect(linkToBytes(options { $0.inputs = [InputArgument(.file("/nowhere/a.o"))] }, $0) == nil) },
    .library { diagnostics in
      let options = options { options in
        options.inputs = [bytes("a.o", definer("run").bytes)]
        options.outputPath = "/nowhere/out.wasm"
      }
      #expect(link(options, diagnostics) == nil)
    },
    .library { #expect(readCommandLine(["--no-entry", "a.o"], diagnostics: $0) == nil) },
    .library { #expect(readCommandLine(["a.o", "-o", "b", "--size-report=x"], diagnostics: $0) == nil) },
    .library { diagnostics in
      let options = options { options in
        options.inputs = [bytes("a.o", definer("run").bytes)]
        options.sizeReportFiles = ["/nowhere/size.html"]
      }
      #expect(linkToBytes(options, diagnostics) == nil)
    },
    .library { diagnostics in
      let control = LinkControl()
      control.cancel()
      let options = options { $0.inputs = [bytes("a.o", definer("run").bytes)] }
      #expect(linkInMemory(options, diagnostics, control: control) == nil)
    },
    .text("a null pointer, or a link that has run already"),
  ]

  @Test func messages() throws {
    let tables = try Self.guide().split(separator: "## When it does not work")[1]
    let rows = tables.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| what happened") }
    #expect(rows.count == Self.mistakes.count)
    for (row, mistake) in zip(rows, Self.mistakes) {
      let message = try #require(row.matches(of: #/\| `([^|]*)` \|$/#).last.map { String($0.1) }, "\(row)")
      let errors = try Self.errors(of: mistake, row).replacing(#//\S*/(?=[a-z]+\.(o|so|wasm)\b)/#) { match in
        match.output.0.hasPrefix("/nowhere/") ? String(match.output.0) : ""
      }
      #expect(errors.contains(message), "\(errors)")
    }
  }

  private static func errors(of mistake: Mistake, _ row: Substring) throws -> String {
    switch mistake {
    case .link(let files, let words):
      let run = try LinkInProcess(files, words)
      #expect(run.bytes == nil, "it links: \(row)")
      return run.errors.joined(separator: "\n")
    case .library(let body):
      let messages = Mutex<[String]>([])
      body(Diagnostics { message in messages.withLock { $0.append(message.text) } })
      return messages.withLock { $0.joined(separator: "\n") }
    case .text(let text):
      let source = try String(contentsOfFile: Repository.root + "/Sources/SolderC/CInterface.swift", encoding: .utf8)
      #expect(source.contains(text))
      return text
    }
  }
}
