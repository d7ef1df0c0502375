import SolderCommandLine
import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// Debug information of code that changes: every instruction keeps its line, and what LLVM reads is consistent.
@Suite struct DebugInformationTests {
  private static let first = """
    extern int other(int);
    int counter = 3;
    static int hidden[4] = {1, 2, 3, 4};
    int *pointer = &counter;
    typedef int (*function)(int);
    static int twice(int x) { counter += x; return x * 2 + hidden[x & 3]; }
    function table[2] = { twice, other };
    int run(int n) {
      int sum = 0;
      for (int i = 0; i < n; i++) {
        sum += twice(i);
        if (sum > 100) sum -= other(sum);
      }
      return sum + table[n & 1](sum);
    }
    int unused(int x) { return x + *pointer; }
    """
  private static let second = """
    extern int counter;
    static inline int less(int x) {
      return x - counter;
    }
    int other(int x) {
      if (x == 77)
        __builtin_trap();
      return less(x) + less(x + 1);
    }
    """
  private static let main = """
    extern int run(int), other(int);
    int start(int n) {
      int sum = run(n);
      return sum + other(n);
    }
    """

  struct Build: Sendable, CustomTestStringConvertible {
    var compiler: Compiler
    var flags: [String]
    var testDescription: String { "\(compiler.testDescription) \(flags.joined(separator: " "))" }

    static let all: [Build] = Compiler.allCases.flatMap { compiler in
      ["-gdwarf-4", "-gdwarf-5"].flatMap { version in
        ["-O0", "-O2"].map { Build(compiler: compiler, flags: [version, $0]) }
      }
    }

    /// A program of an object and two libraries.
    func inputs(_ more: [String] = []) async throws -> (object: String, libraries: [String]) {
      let flags = ["--target=wasm32-unknown-unknown"] + flags + more
      func compiled(_ name: String, _ source: String, _ extra: [String]) async throws -> String {
        try await Toolchain.shared.compiled(name, source, flags + extra, by: compiler)
      }
      func library(_ name: String, _ source: String) async throws -> String {
        try await Toolchain.shared.sharedLibrary(
          "lib\(name).so", [compiled(name, source, ["-fPIC"])], ["--export-all"], by: compiler.linker)
      }
      return try await (
        compiled("main", DebugInformationTests.main, []),
        [
          library("first", DebugInformationTests.first), library("second", DebugInformationTests.second),
        ]
      )
    }
  }

  @Test(
    arguments: Build.all,
    [
      [], ["--no-gc-sections"], ["--icf=all"], ["-O2"],
      ["--export-all", "--no-merge-data-segments"],
    ])
  func everyInstructionKeepsItsLine(_ build: Build, _ options: [String]) async throws {
    let inputs = try await build.inputs()
    let linked = try await LinkedDebugProgram(
      [inputs.object] + inputs.libraries, ["--no-entry", "--export=start"] + options)
    let compared = try await linked.compareLines()
    #expect(compared > 80)
    try await linked.verify(against: inputs.libraries)
  }

  @Test(arguments: ["3.11"]) func everyInstructionOfCPython(_ release: String) async throws {
    let folder = Repository.cache + "/cpython/" + release
    let linked = try await LinkedDebugProgram(
      ["libpython", "libc", "libwasi-emulated-signal"].map { "\(folder)/\($0).so" },
      ["--no-entry", "--export=Py_BytesMain", "--allow-undefined"])
    let compared = try await linked.compareLines()
    #expect(compared > 1_000_000)
    try await linked.verify(against: ["\(folder)/libpython.so"])
  }
}

/// A link, with all that was decided about it.
struct LinkedDebugProgram {
  let folder: TemporaryFolder
  let program: Program
  var path: String { folder.file("result.wasm") }

  init(_ inputs: [String], _ options: [String]) async throws {
    folder = try TemporaryFolder()
    let diagnostics = Diagnostics { Issue.record("\($0.text)") }
    let arguments = ["--threads=2", "-o", folder.file("result.wasm")] + options + inputs
    guard case .link(let linkOptions, _) = readCommandLine(arguments, diagnostics: diagnostics) else {
      throw ToolFailure("no link: \(arguments)")
    }
    var program: Program?
    var files: [InputFile] = []
    let control = LinkControl()
    let link = Link(linkOptions, diagnostics, PassTimer(linkOptions, control), control, writesFile: true)
    let image = link.run(&files) { program = $0 }?.image
    self.program = try #require(program)
    let bytes = try #require(image).bytes()
    try await WebAssemblyHost.shared.validate(bytes)
    try folder.write(bytes, to: "result.wasm")
  }

  /// Compares file, line and column of every instruction of a finished module that is left, before and after.
  ///
  /// - Returns: how many instructions were compared.
  func compareLines() async throws -> Int {
    let threads = Threads(2)
    let encoder = OperandEncoder(program, CustomPlan(), threads)
    let code = CodePlan(program, encoder, SyntheticCode(program: program).bodies(), threads)
    let after = try await LineTable(path)
    let result = try contents(of: path)
    let payload = try #require(ModuleDescription(result).sections.first { $0.identifier == 10 }).contents.lowerBound
    var compared = 0
    var differences: [String] = []
    for unit in program.resolution.inLinkOrder where unit.contracts.isRecovered {
      guard unit.customSections.contains(where: { $0.name == ".debug_line" }), let section = unit.module.code else {
        continue
      }
      let before = try await LineTable(unit.file.displayName)
      for (position, reference) in program.indices.functions.enumerated() where reference.unit == unit.index {
        let function = unit.functions[Int(reference.index)]
        let map = code.offsetMap(ofFunctionAt: position, program, encoder)
        let edits = unit.functionRelocations[Int(reference.index)].indices.map { unit.relocations[$0] }
          .filter { $0.encoding != .operand }
        let starts = Set(edits.map { $0.offset - function.body.start })
        var inside: Set<UInt32> = []
        for edit in edits where edit.width > 1 {
          inside.formUnion(edit.offset + 1 - function.body.start..<edit.end - function.body.start)
        }
        var places = try instructions(of: function, in: unit)
        // What is gone is where what follows it is.
        places = zip(places, places.dropFirst().map { map.position(of: $0) } + [UInt32.max])
          .filter { map.position(of: $0) < $1 }.map(\.0)
        for offset in places where !inside.contains(offset) {
          let (from, to) = (
            Int(function.body.start + offset) - section.payload.offset,
            Int(code.bodyOffsets[position] + map.position(of: offset))
          )
          let opcodes = (unit.file.bytes[Int(function.body.start + offset)], result[payload + to])
          if opcodes.0 != opcodes.1, !starts.contains(offset) {
            Issue.record("\(function.name): opcode \(opcodes.0) at \(from) became \(opcodes.1) at \(to)")
          }
          compared += 1
          if before[from] != after[to] {
            differences.append(
              "\(function.name): \(from) is of \(String(describing: before[from])), but \(to) of \(String(describing: after[to]))"
            )
          }
        }
      }
    }
    #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(10).joined(separator: "\n"))")
    return compared
  }

  /// Offsets of the instructions in the body of a function.
  private func instructions(of function: Function, in unit: Unit) throws -> [UInt32] {
    var reader = unit.file.reader(of: function.body)
    for _ in 0..<(try reader.u32()) {
      _ = try reader.u32()
      _ = try reader.s33()
    }
    var instructions = InstructionReader(reader)
    var places: [UInt32] = []
    while let instruction = try instructions.next() { places.append(UInt32(instruction.offset) - function.body.start) }
    return places
  }

  /// LLVM finds nothing wrong with the debug information that it does not find wrong with the inputs'.
  func verify(against inputs: [String]) async throws {
    func errors(_ path: String) async throws -> Set<String> {
      let run = try await execute(Tool.debugReader.path(), ["--verify", path])
      // What kind each is, without their number.
      let kinds = (run.output + run.errors).split(separator: "\n").filter { $0.contains("occurred") }
      return Set(kinds.map { $0.filter { !$0.isNumber } })
    }
    var known: Set<String> = []
    for input in inputs { known.formUnion(try await errors(input)) }
    #expect(try await errors(path).subtracting(known).isEmpty)
  }
}
