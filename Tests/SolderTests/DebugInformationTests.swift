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

    /// A program of an object and two libraries, or of objects.
    func inputs(
      _ more: [String] = [], asObjects: Bool = false
    ) async throws -> (object: String, libraries: [String]) {
      let flags = ["--target=wasm32-unknown-unknown"] + flags + more
      func compiled(_ name: String, _ source: String, _ extra: [String]) async throws -> String {
        try await Toolchain.shared.compiled(name, source, flags + extra, by: compiler)
      }
      func library(_ name: String, _ source: String) async throws -> String {
        if asObjects { return try await compiled(name, source, []) }
        return try await Toolchain.shared.sharedLibrary(
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

  private static let cxx = """
    extern "C" int other(int);
    struct Base { virtual int f(int x) { return x + 1; } virtual ~Base() {} int v = 4; };
    struct Derived : Base { int f(int x) override { return x * 2 + v; } };
    template <int (*F)(int)> int apply(int x) { return F(x) + 1; }
    template <int *P> int load() { return *P; }
    int variable = 9;
    static int square(int x) { return x * x; }
    inline int shared(int x) { for (int i = 0; i < 3; ++i) x += other(i); return x; }
    void operator delete(void *) noexcept {}
    void operator delete(void *, unsigned long) noexcept {}
    Derived derived;
    extern "C" int run(int n) {
      Base *base = &derived;
      return base->f(n) + apply<square>(n) + load<&variable>() + shared(n);
    }
    """
  private static let cxxMain = """
    int run(int);
    int other(int x) { return x + 5; }
    int __cxa_atexit(void *a, void *b, void *c) { return 0; }
    int start(int n) { return run(n); }
    """

  /// A library of C++ with all sections that there are, in a program, and as an object in one that wasm-ld links.
  @Test(
    arguments: Compiler.allCases,
    [
      ["-gdwarf-2"], ["-gdwarf-3"], ["-gdwarf-4", "-fdebug-types-section"], ["-gdwarf-5", "-fdebug-types-section"],
      ["-gdwarf-4", "-gsplit-dwarf"], ["-gdwarf-5", "-gsplit-dwarf"], ["-gdwarf-5", "-gpubnames"],
      ["-gdwarf-4", "-ggnu-pubnames"], ["-gdwarf-4", "-fdebug-macro"], ["-gdwarf-5", "-fdebug-macro"],
      ["-gdwarf-4", "-gdwarf-aranges"], ["-gdwarf-5", "-gdwarf-aranges", "-fdebug-ranges-base-address"],
    ])
  func everyKindOfSection(_ compiler: Compiler, _ flags: [String]) async throws {
    for level in ["-O0", "-O2"] {
      let common = ["--target=wasm32-unknown-unknown", level] + flags
      let cxx = try await Toolchain.shared.compiled(
        "cxx", Self.cxx, ["-x", "c++", "-fno-rtti", "-fno-exceptions", "-fPIC"] + common, by: compiler)
      let library = try await Toolchain.shared.sharedLibrary("libcxx.so", [cxx], ["--export-all"], by: compiler.linker)
      let main = try await Toolchain.shared.compiled("main", Self.cxxMain, common, by: compiler)
      let linked = try await LinkedDebugProgram([main, library], ["--no-entry", "--export=start"])
      #expect(try await linked.compareLines() > 20)
      try await linked.verify(against: [library])

      let folder = try TemporaryFolder()
      let made = try await runCommandLine(["-r", library, "-o", folder.file("library.o")])
      #expect(made.succeeded && made.errors.contains("in other files") == flags.contains("-gsplit-dwarf"))
      let program = folder.file("program.wasm")
      try await require(
        compiler.linker.path(), ["--no-entry", "--export=start", main, folder.file("library.o"), "-o", program])
      try await LinkedDebugProgram.verify(program, against: [library])
      #expect(try await !LineTable(program).isEmpty)
    }
  }

  private static let frames = """
    extern int other(int);
    int counter = 3;
    static int hidden[4] = {1, 2, 3, 4};
    int run(int n) {
      int sum = 0;
      for (int i = 0; i < n; i++) sum += other(sum) + hidden[i & 3] + counter;
      return sum;
    }
    __asm__(
      ".section .debug_frame,\\"\\",@\\n"
      ".int32 12\\n .int32 0xffffffff\\n .int32 0x00040004\\n .int32 0x00007c01\\n"
      ".int32 24\\n .int32 0\\n .int32 run\\n .int32 80\\n"
      ".int32 0x4408040c\\n .int32 0x3a02100e\\n .int32 0x0000200e\\n");
    """

  /// No compiler writes frames; an assembler may.
  @Test(arguments: Compiler.allCases) func frames(_ compiler: Compiler) async throws {
    let object = try await Toolchain.shared.compiled(
      "frames", Self.frames, ["--target=wasm32-unknown-unknown", "-O1", "-g", "-fPIC"], by: compiler)
    let library = try await Toolchain.shared.sharedLibrary(
      "libframes.so", [object], ["--export-all", "--unresolved-symbols=import-dynamic"], by: compiler.linker)
    func rows(_ path: String) async throws -> [(address: Int, rule: Substring)] {
      try await require(Tool.debugReader.path(), ["--debug-frame", path]).matches(of: /(?m)^ +0x(\w+): (CFA=.*)$/)
        .compactMap { row in Int(row.1, radix: 16).map { ($0, row.2) } }
    }
    let linked = try await LinkedDebugProgram([library], ["--no-entry", "--export-all", "--allow-undefined"])
    let unit = try #require(linked.program.resolution.inLinkOrder.first { $0.contracts.isRecovered })
    let before = try await rows(library)
    let after = try await rows(linked.path)
    #expect(before.count == 3 && before.map(\.rule) == after.map(\.rule))
    #expect(try before.map { try linked.target(ofCode: $0.address, in: unit) } == after.map(\.address))
    #expect(after[2].address - after[1].address < before[2].address - before[1].address)
    // The same by way of an object.
    let folder = try TemporaryFolder()
    let made = try await runCommandLine(["-r", library, "-o", folder.file("frames.o")])
    #expect(made.succeeded && made.errors.isEmpty, "\(made.errors)")
    try await require(
      compiler.linker.path(),
      ["--no-entry", "--export-all", "--allow-undefined", folder.file("frames.o"), "-o", folder.file("frames.wasm")])
    #expect(try await rows(folder.file("frames.wasm")).map(\.rule) == before.map(\.rule))
  }

  /// Messages about code of a library tell its line.
  @Test(arguments: Build.all) func messagesTellLines(_ build: Build) async throws {
    let inputs = try await build.inputs()
    let folder = try TemporaryFolder()
    let run = try await runCommandLine(
      ["--no-entry", "--export-all", inputs.libraries[0], "-o", folder.file("result.wasm")])
    #expect(!run.succeeded)
    #expect(run.errors.contains(/>>> referenced by \S+libfirst.so:\(run\) at \S*first\S*\.c:12/), "\(run.errors)")
  }

  private func runCommandLine(_ arguments: [String]) async throws -> ProcessRun {
    try await execute(Solder.path, arguments)
  }

  /// What wasm-ld refuses: operands of objects are shortened, and their lines stay.
  @Test(arguments: Build.all) func shortenedObjects(_ build: Build) async throws {
    let flags = ["--target=wasm32-unknown-unknown"] + build.flags
    var objects: [String] = []
    for (name, source) in [("first", Self.first), ("second", Self.second), ("main", Self.main)] {
      objects.append(try await Toolchain.shared.compiled(name, source, flags, by: build.compiler))
    }
    let linked = try await LinkedDebugProgram(
      objects, ["--no-entry", "--export=start", "--compress-relocations", "--no-strip-debug"])
    #expect(try await linked.compareLines(ofObjects: true) > 80)
    try await linked.verify(against: objects)
  }

  /// Whatever the sections say, there is a program, and a warning or none.
  @Test(arguments: Build.all) func damage(_ build: Build) async throws {
    let library = try contents(of: try await build.inputs().libraries[0])
    let sections = try ModuleDescription(library).sections.filter {
      $0.name.hasPrefix(".debug_") && !$0.name.hasSuffix("str") && !$0.contents.isEmpty
    }
    var random = SplitMix(seed: 11)
    let folder = try TemporaryFolder()
    var leftOut = 0
    for _ in 0..<60 {
      var bytes = library
      let section = try #require(sections.randomElement(using: &random))
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = try #require(section.contents.randomElement(using: &random))
        bytes[place] =
          [0, 0xFF, 0x7F, 0x80, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
      }
      try folder.write(bytes, to: "library.so")
      let run = try await runCommandLine([
        "--no-entry", "--export-all", "--allow-undefined", folder.file("library.so"), "-o", folder.file("result.wasm"),
      ])
      #expect(run.succeeded, "\(run.errors)")
      if run.errors.contains("the debug information of this file is left out") { leftOut += 1 }
    }
    #expect(leftOut > 10)
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
    let diagnostics = Diagnostics { if !$0.text.contains("(-gsplit-dwarf)") { Issue.record("\($0.text)") } }
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

  /// Where bodies are in the result, and where each of their instructions is.
  func places() -> (code: CodePlan, maps: BodyMaps) {
    let threads = Threads(2)
    let encoder = OperandEncoder(program, CustomPlan(), threads)
    let code = CodePlan(program, encoder, SyntheticCode(program: program).bodies(), recordsChanges: true, threads)
    return (code, BodyMaps(program, code, of: program.resolution.units.map { _ in true }, threads))
  }

  /// The bytes of the result, and where in them the contents of its code section begin.
  func codeSection() throws -> (result: [UInt8], payload: Int) {
    let result = try contents(of: path)
    let section = try #require(ModuleDescription(result).sections.first { $0.identifier == 10 })
    return (result, section.contents.lowerBound)
  }

  /// Compares file, line and column of every instruction of a finished module, or of an object, that is left, before and
  /// after.
  ///
  /// - Returns: how many instructions were compared.
  func compareLines(ofObjects: Bool = false) async throws -> Int {
    let (code, maps) = places()
    let after = try await LineTable(path)
    let (result, payload) = try codeSection()
    var compared = 0
    var differences: [String] = []
    for unit in program.resolution.inLinkOrder where unit.contracts.isRecovered != ofObjects {
      guard unit.customSections.contains(where: { $0.name == ".debug_line" }), let section = unit.module.code else {
        continue
      }
      let before = try await LineTable(unit.file.displayName)
      for (position, reference) in program.indices.functions.enumerated() where reference.unit == unit.index {
        let function = unit.functions[Int(reference.index)]
        func target(of offset: UInt32) -> UInt32 {
          UInt32(maps.offset(of: Int(offset), inFunctionAt: position))
        }
        let edits = unit.functionRelocations[Int(reference.index)].indices.map { unit.relocations[$0] }
          .filter { $0.encoding != .operand }
        let starts = Set(edits.map { $0.offset - function.body.start })
        var inside: Set<UInt32> = []
        for edit in edits where edit.width > 1 {
          inside.formUnion(edit.offset + 1 - function.body.start..<edit.end - function.body.start)
        }
        var places = try instructions(of: function, in: unit)
        // What began among instructions that gave way to others begins behind those.
        for edit in edits {
          let (start, end) = (edit.offset - function.body.start, edit.end - function.body.start)
          for place in places where place > start && place < end && target(of: place) != target(of: end) {
            Issue.record("\(function.name): \(place) is at \(target(of: place)), and not at \(target(of: end))")
          }
        }
        // What is gone is where what follows it is.
        places = zip(places, places.dropFirst().map { target(of: $0) } + [UInt32.max])
          .filter { target(of: $0) < $1 }.map(\.0)
        for offset in places where !inside.contains(offset) {
          let (from, to) = (
            Int(function.body.start + offset) - section.payload.offset,
            Int(code.bodyOffsets[position] + target(of: offset))
          )
          let opcodes = (unit.file.bytes[Int(function.body.start + offset)], result[payload + to])
          // `local.tee` of what nothing takes from the stack any more is `local.set`.
          if opcodes.0 != opcodes.1, opcodes != (0x22, 0x21), !starts.contains(offset) {
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

  /// Where an address in the code of a finished module is in that of the result.
  func target(ofCode address: Int, in unit: Unit) throws -> Int {
    let (code, maps) = places()
    let place = address + (try #require(unit.module.code).payload.offset)
    let index = try #require(unit.functions.lastIndex { $0.body.start <= place })
    let position = try #require(maps.position(of: unit.bases.function + index))
    return Int(code.bodyOffsets[position])
      + maps.offset(of: place - Int(unit.functions[index].body.start), inFunctionAt: position)
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
  func verify(against inputs: [String]) async throws { try await Self.verify(path, against: inputs) }

  static func verify(_ path: String, against inputs: [String]) async throws {
    func errors(_ path: String) async throws -> Set<String> {
      let run = try await execute(Tool.debugReader.path(), ["--verify", path])
      // What kind each is, without their number.
      let kinds = (run.output + run.errors).split(separator: "\n").filter {
        // Strings that end others share their bytes, as in wasm-ld's results.
        $0.contains("occurred") && !$0.contains("invalid string offset")
      }
      return Set(kinds.map { $0.filter { !$0.isNumber } })
    }
    var known: Set<String> = []
    for input in inputs { known.formUnion(try await errors(input)) }
    #expect(try await errors(path).subtracting(known).isEmpty)
  }
}
