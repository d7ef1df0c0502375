import Foundation
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
      default:
        let name = try #require(block.fileName, "no name for\n\(block.text)")
        try folder.write(block.text, to: name)
      }
    }
    #expect(count == 7)
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

  private static let dataLibrary: ModuleBuilder = {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.data(.active([.globalGet(base.memory)]), [1, 2, 3, 4])
    library.function([], [.i32], export: "read", [.globalGet(base.memory), .i32Load()])
    return library
  }()

  /// The mistakes of the table, in its order.
  private static let mistakes: [(files: KeyValuePairs<String, any InputContents>, words: [String])] = [
    (["main.o": caller("add"), "lib.o": definer("_Z3addii")], ["--no-entry"]),
    (["main.o": caller("helper"), "libx.so": hidingLibrary], ["--no-entry"]),
    (["main.o": caller("helper"), "lib.o": definer("helper", local: true)], ["--no-entry"]),
    (["main.o": caller("printf")], ["--no-entry"]),
    (["main.o": caller("conter"), "lib.o": definer("counter")], ["--no-entry"]),
    (["a.wasm": exporter, "b.wasm": importer("a", "absent")], ["a=a.wasm", "b.wasm"]),
    (["a.wasm": exporter, "b.wasm": importer("runtme", "main")], ["runtime=a.wasm", "b.wasm", "--fatal-warnings"]),
    (["a.wasm": exporter, "b.wasm": exporter], ["a=a.wasm", "b=b.wasm"]),
    (["main.o": definer("run")], []),
    (
      [
        "main.o": object { object in
          let data = object.data("value", [1, 2, 3, 4])
          object.function("run", [], [.i32], flags: .exported, [.address(data)])
        }
      ], ["-shared", "--experimental-pic"]
    ),
    (["main.o": definer("run")], ["main.o", "--no-entri"]),
    (["main.o": definer("run")], ["main.o", "--no-entry", "-lmissing"]),
    (
      ["main.o": caller("add", parameters: [.i32]), "lib.o": definer("add")], ["--no-entry", "--fatal-warnings"]
    ),
    (
      [
        "a.wasm": module { module in
          let read = module.importFunction("env", "read", [], [.i32])
          module.memory(Limits(1), export: "memory")
          module.data(.at(16), [1])
          module.function([], [.i32], export: "run", [.call(read)])
        }, "libd.so": dataLibrary,
      ], []
    ),
  ]

  @Test func messages() throws {
    let table = try Self.guide().split(separator: "## When it does not work")[1]
    let rows = table.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
    #expect(rows.count == Self.mistakes.count)
    for (row, mistake) in zip(rows, Self.mistakes) {
      let message = try #require(row.matches(of: #/\| `([^|]*)` \|$/#).last.map { String($0.1) }, "\(row)")
      let run = try LinkInProcess(mistake.files, mistake.words)
      #expect(run.bytes == nil, "it links: \(row)")
      let errors = run.errors.joined(separator: "\n").replacing(#//\S*/(?=[a-z]+\.(o|so|wasm)\b)/#, with: "")
      #expect(errors.contains(message), "\(errors)")
    }
  }
}
