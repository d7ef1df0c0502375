import Foundation
import Testing

/// What a link costs grows as its inputs do, whatever they are: each sample here once made something quadratic, here or in
/// another linker. Time is that of the thread, and what counts is how it grows, not how much it is.
@Suite(.serialized) struct GrowthTests {
  /// Inputs of any size.
  struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    /// The smaller of the two sizes that are compared.
    let size: Int
    var words: [String]
    /// Words for each of as many things.
    var more: @Sendable (Int) -> [String] = { _ in [] }
    let make: @Sendable (Int) -> [(name: String, contents: any InputContents)]

    init(
      name: String, size: Int, words: [String] = ["--no-entry", "--no-gc-sections"],
      make: @escaping @Sendable (Int) -> [(name: String, contents: any InputContents)]
    ) {
      (self.name, self.size, self.words, self.make) = (name, size, words, make)
    }

    func adding(_ more: @escaping @Sendable (Int) -> [String]) -> Sample {
      var sample = self
      sample.more = more
      return sample
    }

    var testDescription: String { name }
  }

  /// What four times the input may cost: eight times, where a quadratic rule would take sixteen.
  private static let factor = 4
  private static let most = 8.0

  @Test(arguments: samples) func fourTimesAsMuch(_ sample: Sample) throws {
    var ratio = 0.0
    // Something else on the machine may slow a link down, but hardly all of them.
    for _ in 0..<4 {
      ratio = try seconds(sample, sample.size * Self.factor) / seconds(sample, sample.size)
      if ratio <= Self.most { return }
    }
    Issue.record("\(Self.factor) times the input takes \(ratio) times as long")
  }

  /// The time that a link takes, of which the result does not matter.
  private func seconds(_ sample: Sample, _ size: Int) throws -> Double {
    let (files, words) = (sample.make(size), sample.words + sample.more(size))
    let folder = try TemporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    for (name, contents) in files { try folder.write(contents.fileBytes, to: name) }
    let start = Self.time()
    let run = LinkInProcess(files.map(\.name), words, in: folder.path)
    let end = Self.time()
    #expect(run.bytes != nil || !run.errors.isEmpty)
    return end - start
  }

  private static func time() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
  }

  // MARK: Samples

  static let samples: [Sample] = names + code + libraries + options + debugInformation

  private static func object(_ fill: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    fill(&object)
    return object
  }

  private static func library(_ dylink: Dylink = Dylink(memorySize: 16), _ fill: (inout ModuleBuilder) -> Void)
    -> ModuleBuilder
  {
    var library = ModuleBuilder(dylink: dylink)
    fill(&library)
    return library
  }

  private static let program = object { $0.function("run", [], [], flags: .exported, []) }

  private static let names: [Sample] = [
    Sample(
      name: "names that are nearly defined", size: 500,
      words: ["--no-entry", "--no-gc-sections", "--error-limit=0"]
    ) {
      count in
      [
        (
          "names.o",
          object { object in
            let missing = (0..<count).map { object.undefinedFunction("undefined_function_\($0)") }
            for (index, symbol) in missing.enumerated() {
              object.function("defined__function_\(index)", [], [], [.call(symbol)])
            }
          }
        )
      ]
    },
    Sample(
      name: "names that a named module nearly has", size: 500,
      words: ["--no-entry", "rt=rt.wasm", "user.wasm", "--error-limit=0"]
    ) {
      count in
      var (module, user) = (ModuleBuilder(), ModuleBuilder())
      for index in 0..<count {
        module.function([], [], export: "defined__function_\(index)", [])
        _ = user.importFunction("rt", "undefined_function_\(index)")
      }
      return [("rt.wasm", module), ("user.wasm", user)]
    },
    Sample(name: "names from modules that are no inputs", size: 500, words: ["--no-entry", "rt.wasm", "user.wasm"]) {
      count in
      var (module, user) = (ModuleBuilder(), ModuleBuilder())
      for index in 0..<count {
        module.function([], [], export: "function_\(index)", [])
        _ = user.importFunction("module_\(index)", "function_\(index)")
      }
      return [("rt.wasm", module), ("user.wasm", user)]
    },
    // What every name has in common makes a factor of the hash zero.
    Sample(name: "names made to have one hash", size: 2000) { count in
      [
        (
          "names.o",
          object { object in
            for index in 0..<count { object.function("HASH____________\(index + 100_000)", [], [], []) }
          }.bytes.replacing(
            Array("HASH____".utf8), with: [0x93, 0xFD, 0x59, 0x66, 0xB8, 0xFE, 0xE8, 0xD6])
        )
      ]
    },
    Sample(name: "a name of many bytes", size: 20_000) { count in
      [
        (
          "name.o",
          object { object in
            let missing = object.undefinedFunction(String(repeating: "a", count: count) + "b")
            object.function(String(repeating: "a", count: count), [], [], [.call(missing)])
          }
        )
      ]
    },
    Sample(name: "a mangled name of many parts", size: 2000, words: ["--no-entry", "--no-gc-sections", "-M"]) {
      count in
      [("name.o", object { $0.function("_ZN" + String(repeating: "1a", count: count) + "Ev", [], [], []) })]
    },
    Sample(name: "strings that end each other", size: 100, words: ["--no-entry", "--no-gc-sections", "-O2"]) {
      count in
      [
        (
          "strings.o",
          object { object in
            let middle = String(repeating: "a", count: 1000)
            let text = (0..<count).map { "\(middle)\($0)\(middle)\0" }.joined()
            object.data("text", Array(text.utf8), alignment: 0, segmentFlags: 1)
          }
        )
      ]
    },
    Sample(name: "members that need one another", size: 1500, words: ["-u", "last", "--no-entry"]) { count in
      var archive = ArchiveBuilder()
      for index in 0..<count {
        archive.add(
          "member\(index).o",
          object { object in
            let next = index > 0 ? object.undefinedFunction("member\(index - 1)") : nil
            object.function(index == count - 1 ? "last" : "member\(index)", [], [], next.map { [.call($0)] } ?? [])
          })
      }
      return [("members.a", archive)]
    },
    Sample(name: "types that refer to each other", size: 1000) { count in
      var module = ModuleBuilder()
      var group: [UInt8] = [0x4E]
      group.list(0..<count) { bytes, index in
        bytes += [0x5F, 1, 0x63]
        bytes.signed(Int64((index + 1) % count))
        bytes.append(0)
      }
      _ = module.type(raw: group, count: count)
      module.function(export: "grouped", [])
      var other = ModuleBuilder()
      _ = other.type(raw: group, count: count)
      other.function(export: "other", [])
      return [("types.wasm", module), ("other.wasm", other)]
    },
  ]

  private static let code: [Sample] = [
    Sample(
      name: "functions that call one another, folded", size: 500,
      words: ["--no-entry", "--no-gc-sections", "--icf=all"]
    ) {
      count in
      [
        (
          "chain.o",
          object { object in
            let first = object.linking?.symbols.count ?? 0
            for index in 0..<count {
              object.function(
                "f\(index)", [], [], [.call(ObjectSymbol(index: UInt32(first + min(index + 1, count - 1))))])
            }
          }
        )
      ]
    },
    Sample(name: "blocks in one another", size: 2000) { count in
      var module = ModuleBuilder()
      module.function(
        export: "deep", Array(repeating: .block(), count: count) + Array(repeating: .raw(0x0B), count: count))
      return [
        ("deep.wasm", module), ("program.o", program),
        (
          "libdeep.so",
          library { library in
            let base = library.importMemoryAndBases()
            let step: [WasmInstruction] = [.loop(), .globalGet(base.memory), .localSet(0)]
            let end: [WasmInstruction] = [.localGet(0), .raw(0x1A), .raw(0x0B)]
            library.function(
              locals: [.i32], export: "deep_base",
              (0..<count).flatMap { _ in step } + (0..<count).flatMap { _ in end })
          }
        ),
      ]
    },
    Sample(
      name: "locals that hold addresses in branches", size: 200, words: ["--no-entry", "--export=branches"]
    ) {
      count in
      [
        ("program.o", program),
        (
          "libbranches.so",
          library { library in
            let base = library.importMemoryAndBases()
            var code: [WasmInstruction] = []
            for local in 0..<count {
              code += [.i32Const(0), .if(), .globalGet(base.memory), .localSet(local), .raw(0x05)]
              code += [.globalGet(base.memory), .i32Const(4), .i32Add, .localSet((local * 7) % count), .raw(0x0B)]
            }
            for local in 0..<count { code += [.localGet(local), .i32Load(), .raw(0x1A)] }
            library.function(locals: Array(repeating: .i32, count: count), export: "branches", code)
          }
        ),
      ]
    },
    Sample(name: "globals that begin as one another", size: 500) { count in
      var module = ModuleBuilder()
      module.global(.i32, [.i32Const(1)])
      for index in 0..<count { module.global(.i32, [.globalGet(index)]) }
      module.global(.i32, [.globalGet(count)], export: "last")
      return [("globals.wasm", module), ("program.o", program)]
    },
    Sample(name: "stacks that begin where a heap may", size: 1000, words: ["--no-entry", "--no-gc-sections"]) { count in
      var module = ModuleBuilder()
      module.memory(Limits(4), export: "memory")
      let heap = module.global(.i32, [.i32Const(20480)], export: "__heap_base")
      for index in 0..<count {
        let own = module.global(.i32, isMutable: true, [.i32Const(20480 + Int32(index))])
        let derived = module.global(.i32, isMutable: true, [.globalGet(heap)])
        module.function(
          [], [],
          [own, derived].flatMap { [.globalGet($0), .i32Const(16), .i32Sub, .globalSet($0)] as [WasmInstruction] })
      }
      var object = ModuleBuilder(object: true)
      _ = object.data("placed", Array(repeating: 1, count: 16 * count), flags: .exported)
      return [("module.wasm", module), ("data.o", object)]
    },
    Sample(name: "constructors from the last to the first", size: 500) { count in
      [
        (
          "constructors.o",
          object { object in
            for index in 0..<count {
              object.constructor(object.function("f\(index)", [], [], []), priority: count - index)
            }
          }
        )
      ]
    },
    Sample(name: "entries of debug information in one another", size: 2000) { debug($0, [0x01], [0x00]) },
    Sample(name: "compilation units", size: 300) { debug($0, nil, nil) },
  ]

  /// A library with entries of debug information, each between what begins and what ends it, or each a unit.
  private static func debug(
    _ count: Int, _ begin: [UInt8]?, _ end: [UInt8]?
  ) -> [(name: String, contents: any InputContents)] {
    func unit(_ entries: [UInt8]) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.fixed(UInt64(entries.count + 7), width: 4)
      return bytes + [4, 0, 0, 0, 0, 0, 4] + entries
    }
    let addresses: [UInt8] = [1, 0, 0, 0, 4, 0, 0, 0]
    let info: [UInt8]
    if let begin, let end {
      info = unit((0..<count).flatMap { _ in begin + addresses } + (0..<count).flatMap { _ in end })
    } else {
      info = (0..<count).flatMap { _ in unit([1] + addresses + [0]) }
    }
    return [
      ("program.o", program),
      (
        "libdebug.so",
        library { library in
          let base = library.importMemoryAndBases()
          library.function(export: "debugged", [.globalGet(base.memory), .raw(0x1A)])
          library.custom(".debug_abbrev", [1, 0x11, 1, 0x11, 1, 0x12, 6, 0, 0, 0])
          library.custom(".debug_info", info)
        }
      ),
    ]
  }

  private static let libraries: [Sample] = [
    Sample(name: "libraries that export what they import", size: 60, words: ["--no-entry", "--export=x0"]) {
      count in
      var files: [(name: String, contents: any InputContents)] = [("program.o", program)]
      for index in 0..<count {
        files.append(
          (
            "lib\(index).so",
            library { $0.export("x\(index)", .function, $0.importFunction("env", "x\(index + 1)", [], [])) }
          ))
      }
      return files + [("liblast.so", library { $0.function(export: "x\(count)", []) })]
    },
    Sample(name: "stores at start, from the last to the first", size: 1000) { count in
      [
        ("program.o", program),
        (
          "libstores.so",
          library(Dylink(memorySize: UInt64(count * 4 + 8))) { library in
            let base = library.importMemoryAndBases()
            library.function(
              export: "__wasm_apply_data_relocs",
              (0..<count).flatMap { index -> [WasmInstruction] in
                [.globalGet(base.memory), .globalGet(base.memory), .i32Store(offset: UInt64(4 * (count - index)))]
              })
          }
        ),
      ]
    },
    Sample(name: "imports by address", size: 500) { count in
      [
        ("program.o", program),
        (
          "libaddresses.so",
          library { library in
            for index in 0..<count { _ = library.importGlobal("GOT.mem", "data\(index)", .i32, isMutable: true) }
            for index in 0..<count { library.global(.i32, [.i32Const(4)], export: "data\(index)") }
          }
        ),
      ]
    },
    Sample(
      name: "modules of which nobody imports", size: 40,
      words: ["importer.wasm"]
    ) { count in
      var importer = ModuleBuilder()
      for index in 0..<count * 10 { _ = importer.importFunction("from\(index)", "f", [], []) }
      importer.memory(Limits(1), export: "memory")
      var files: [(name: String, contents: any InputContents)] = [("importer.wasm", importer)]
      for index in 0..<count {
        var module = ModuleBuilder()
        module.function(export: "f\(index)", [])
        files.append(("m\(index).wasm", module))
      }
      return files
    }.adding { count in (0..<count).map { "named\($0)=m\($0).wasm" } },
    Sample(name: "modules of one name that import from each other", size: 500) { count in
      var last = ModuleBuilder()
      last.memory(Limits(1), export: "memory\(count)")
      last.function(export: "f\(count)", [])
      var files: [(name: String, contents: any InputContents)] = [("last.wasm", last)]
      for index in 0..<count {
        var module = ModuleBuilder()
        let next = module.importFunction("one", "f\(index + 1)", [])
        module.importMemory("one", "memory\(index + 1)", Limits(1))
        module.start = module.function(export: "f\(index)", [.call(next)])
        module.export("memory\(index)", .memory, 0)
        files.append(("m\(index).wasm", module))
      }
      return files
    }.adding { count in ["one=last.wasm"] + (0..<count).map { "one=m\($0).wasm" } },
  ]

  private static let options: [Sample] = [
    option("wrap", "--wrap=f"), option("why-live", "--why-live=f"), option("export", "--export=f"),
    option("trace-symbol", "--trace-symbol=f"), option("undefined", "--undefined=f"), option("stub", "--stub=g"),
    option("keep-section", "--keep-section=s"), option("host-module", "--host-module=h"),
  ]

  /// A program of functions, and an option for each of them.
  private static func option(_ name: String, _ option: String) -> Sample {
    Sample(
      name: "many of \(name)", size: 2000,
      words: ["--no-entry", "--export-all"]
    ) { count in
      [
        (
          "program.o",
          object { object in
            for index in 0..<count { object.function("f\(index)", [], [], []) }
          }
        )
      ]
    }.adding { count in (0..<count).map { "\(option)\($0)" } }
  }
}
