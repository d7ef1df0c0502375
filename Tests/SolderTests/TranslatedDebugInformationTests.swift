import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// Debug information and annotations of libraries whose exceptions are translated (`--translate-to-exnref`): what they say
/// of the code that the file has is true of the result's.
@Suite struct TranslatedDebugInformationTests {
  private static let source = """
    extern "C" void raise(int);
    extern "C" int other(int);
    int count;
    struct Guard {
      int number;
      Guard(int number) : number(number) {}
      ~Guard() {
        count += number;
      }
    };
    static int inner(int x) {
      Guard guard(x);
      if (x & 1)
        raise(x);
      return other(x) * 2;
    }
    extern "C" int run(int x) {
      Guard outer(1);
      int result = 0;
      for (int i = 0; i < 3; i++) {
        try {
          Guard guard(i);
          result += inner(x + i);
          try {
            result += other(result);
          } catch (...) {
            result += 5;
            if (x > 100)
              throw;
          }
        } catch (...) {
          result += 17 * count;
          if (x == 2)
            throw;
        }
      }
      return result;
    }
    extern "C" int plain(int x) {
      return other(x) +
             count;
    }
    """

  private static let main = """
    int run(int), plain(int);
    int other(int x) { return x + 3; }
    int start(int x) { return run(x) + plain(x); }
    """

  /// A library with the older instructions, and an object.
  static func inputs(_ build: DebugInformationTests.Build) async throws -> (object: String, library: String) {
    let flags = ["--target=wasm32-unknown-unknown"] + build.flags
    let form = build.compiler == .toolchain ? ["-mllvm", "-wasm-use-legacy-eh=true"] : []
    let object = try await Toolchain.shared.compiled(
      "catching", source, flags + ["-x", "c++", "-fwasm-exceptions", "-fno-rtti", "-fPIC"] + form, by: build.compiler)
    return (
      try await Toolchain.shared.compiled("main", main, flags, by: build.compiler),
      try await Toolchain.shared.sharedLibrary(
        "libcatching.so", [object], ["--export-all"], by: build.compiler.linker)
    )
  }

  static let words = ["--no-entry", "--export=start", "--allow-undefined", "--translate-to-exnref"]

  @Test(
    arguments: DebugInformationTests.Build.all, [[], ["--no-gc-sections"], ["--icf=all"], ["-O2"]])
  func everyInstructionKeepsItsLine(_ build: DebugInformationTests.Build, _ options: [String]) async throws {
    let inputs = try await Self.inputs(build)
    let linked = try await LinkedDebugProgram([inputs.object, inputs.library], Self.words + options)
    #expect(try await linked.compareTranslatedLines() > 100)
    try await linked.verify(against: [inputs.library])
  }

  /// The line of a reference in a body that was translated.
  @Test(arguments: DebugInformationTests.Build.all) func messagesTellLines(_ build: DebugInformationTests.Build)
    async throws
  {
    let inputs = try await Self.inputs(build)
    let folder = try TemporaryFolder()
    let run = try await execute(
      Solder.path,
      ["--no-entry", "--export-all", "--translate-to-exnref", inputs.library, "-o", folder.file("result.wasm")])
    let message = /undefined symbol: other\n(>>> .*\n)*>>> referenced by \S+:.* at \S*catching\S*:1[0-9]/
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  /// A hint is about the branch that it was about, behind more local variables and instructions.
  @Test func hintsFollowTheirInstructions() async throws {
    var module = ModuleBuilder(dylink: Dylink())
    let tag = module.importTag("env", "__cpp_exception", [.i32])
    module.function(
      [.i32], [.i32], export: "run",
      [
        .try(.i32), .try(.i32), .localGet(0), .throw(tag), .catchAll, .rethrow(0), .end, .catch(tag), .drop,
        .localGet(0), .if(.i32), .i32Const(1), .else, .i32Const(2), .end, .end,
      ])
    // Behind the declarations of locals and 18 bytes of code.
    module.customs.append(.init(name: "metadata.code.branch_hint", bytes: [1, 0, 1, 18, 1, 1]))
    let result = try await linked(
      ["libcatching.so": module], "--no-entry", "--export=run", "--translate-to-exnref", "--allow-undefined")
    let sections = result.module.sections
    let hints = try #require(sections.first { $0.name == "metadata.code.branch_hint" })
    let code = try #require(sections.first { $0.identifier == 10 })
    let bytes = Array(result.bytes[hints.contents])
    #expect(bytes[0] == 1 && bytes[2] == 1)
    let place = code.contents.lowerBound + 2 + Int(bytes[3])
    #expect(result.bytes[place..<place + 2] == [0x04, 0x7F])
  }
}

extension LinkedDebugProgram {
  /// Compares file, line and column of every instruction of translated modules that is left, before and after.
  ///
  /// - Returns: how many instructions were compared.
  fileprivate func compareTranslatedLines() async throws -> Int {
    let (code, maps) = places()
    let after = try await LineTable(path)
    let (result, payload) = try codeSection()
    var compared = 0
    for unit in program.resolution.inLinkOrder {
      guard let translation = unit.module.translation else { continue }
      let before = try await LineTable(unit.file.displayName)
      let arena = NameArena()
      let file = arena.copy(try contents(of: unit.file.displayName))
      for (position, reference) in program.indices.functions.enumerated() where reference.unit == unit.index {
        let body = translation.bodies[Int(reference.index)]
        var reader = file[Int(body.body)..<Int(body.end)]
        try reader.skipLocals()
        var instructions = InstructionReader(reader)
        var places: [(offset: Int, target: Int)] = []
        while let instruction = try instructions.next() {
          let offset = instruction.offset - Int(body.body)
          places.append((offset, maps.offset(of: offset, inFunctionAt: position)))
        }
        // What is gone is where what follows it is.
        for (place, next) in zip(places, places.dropFirst().map(\.target) + [.max]) where place.target < next {
          let from = Int(body.body) + place.offset - translation.payload.lowerBound
          let to = Int(code.bodyOffsets[position]) + place.target
          let opcodes = (file[Int(body.body) + place.offset], result[payload + to])
          let isKept =
            switch opcodes.0 {
            // try, catch, rethrow, delegate, catch_all.
            case 0x06: [0x02, 0x1F].contains(opcodes.1)
            case 0x09: opcodes.1 == 0x20
            case 0x18: opcodes.1 == 0x0B
            case 0x07, 0x19: true
            // What has become a constant, or a `local.set`.
            case 0x20, 0x23, 0x41: opcodes.1 == opcodes.0 || opcodes.1 == 0x41
            case 0x22: [0x21, 0x22].contains(opcodes.1)
            default: opcodes.1 == opcodes.0
            }
          #expect(isKept, "opcode \(opcodes.0) at \(from) became \(opcodes.1) at \(to)")
          #expect(before[from] == after[to], "\(from), \(to)")
          compared += 1
        }
      }
    }
    return compared
  }
}
