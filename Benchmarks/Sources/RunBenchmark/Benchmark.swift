import Foundation

/// A command under measurement.
struct Contestant {
  var name: String
  /// The program and its arguments. `cat` writes to its standard output, the others to a file.
  var command: [String]
  /// The folder of its result: linkers write the file's name into the module, so the file has the same name for all.
  var folder: String
  var writesToStandardOutput = false
}

/// A ratio to reach.
struct Target {
  enum Quantity: String {
    case wall
    case peakMemory = "peak memory"
  }

  var title: String
  var quantity: Quantity
  var contestant: String
  var against: String
  var must: Double
  var aim: Double
}

/// One case: what to generate, what to run on it, what to expect.
struct Benchmark {
  var number: Int
  var title: String
  /// The folder of its inputs, and the generator's arguments without `--output`; none for inputs that `prepare` makes.
  var folder: String
  var generate: [String]?
  /// Makes what the generator cannot, in the folder of the inputs.
  var prepare: (URL) throws -> Void = { _ in }
  var contestants: [Contestant]
  var targets: [Target] = []
  /// A link with wasm-ld of the same program that the result has to equal in what it prints, for what wasm-ld cannot
  /// link itself.
  var reference: [String]?
  /// How large code and data may be.
  var sizeTarget: SizeTarget?
  /// Whether to compare how many instructions the result and the reference run.
  var comparesRunTime = false
  /// Whether the result must have no start function, and no function that relocates.
  var leavesNothingForStart = false
  /// Whether what comes out can be run.
  var isProgram = true
  /// More runs for what is over at once.
  var roundFactor = 1
  /// In the case of growth, what there is how many of.
  var growth: (thing: String, count: Int)?

  static let solder = "solder"
  static let solderOneThread = "solder, 1 thread"
  /// Of what others get as libraries.
  static let solderObjects = "solder, from objects"
  static let wasmLDObjects = "wasm-ld, from objects"
  static let solderStripped = "solder, --strip-debug"
  static let wasmLD = "wasm-ld"
  static let wasmMerge = "wasm-merge"
  static let cat = "cat"

  static func all(_ options: BenchmarkOptions, _ tools: Tools) -> [Benchmark] {
    let cases = Cases(options, tools)
    return [
      cases.objects(), cases.debug(), cases.archives(), cases.templates(), cases.libraries(), cases.program(),
      cases.compressed(), cases.optimized(), cases.hello(),
    ].compactMap { $0 } + cases.growth() + cases.growthOfParts() + cases.librarySizes()
      + [cases.python()].compactMap { $0 }
      + cases.liftedSizes()
  }
}

/// The cases of the benchmark; `--quick` makes each a small one.
struct Cases {
  let options: BenchmarkOptions
  let tools: Tools
  /// Both linkers get the same number, so that the table does not depend on the machine's.
  private let threads = "--threads=2"

  init(_ options: BenchmarkOptions, _ tools: Tools) {
    self.options = options
    self.tools = tools
  }

  private func size(_ full: Int, quick: Int) -> Int { options.isQuick ? quick : full }

  private func objectNames(_ range: Range<Int>) -> [String] { range.map { String(format: "file%05d.o", $0) } }

  /// Solder, wasm-ld and cat on the same objects, which a response file names.
  private func linkers(_ inputs: [String], _ flags: [String] = [], response: String) -> [Contestant] {
    [
      solder(["@" + response] + flags),
      Contestant(
        name: Benchmark.wasmLD, command: [tools.wasmLD, "@" + response] + flags + [threads], folder: "wasm-ld"),
      cat(inputs),
    ]
  }

  func solder(_ arguments: [String]) -> Contestant {
    Contestant(
      name: Benchmark.solder, command: [tools.solder] + tools.compatibility + arguments + [threads],
      folder: "solder")
  }

  func cat(_ inputs: [String]) -> Contestant {
    Contestant(
      name: Benchmark.cat, command: ["cat"] + inputs, folder: "cat", writesToStandardOutput: true)
  }

  func wall(_ title: String, against: String = Benchmark.wasmLD, must: Double, aim: Double) -> Target {
    Target(title: title, quantity: .wall, contestant: Benchmark.solder, against: against, must: must, aim: aim)
  }

  private func writesResponse(_ name: String, _ inputs: [String]) -> (URL) throws -> Void {
    { folder in
      let text = inputs.joined(separator: "\n") + "\n"
      try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
  }

  // MARK: Objects

  /// Growth and the cases on plain objects share one folder: the first thousands of objects are a program of their own.
  private var growthCounts: [Int] {
    options.isQuick || !options.includes(9) ? [] : [500, 1000, 2000, 4000, 8000]
  }

  private func plainObjects(_ count: Int) -> (inputs: [String], generate: [String], folder: String) {
    let inputs = ["main-\(count).o"] + objectNames(0..<count)
    if options.isQuick { return (inputs, ["objects", "--files", "\(count)", "--functions", "40"], "quick-objects") }
    let counts = Set(growthCounts + [1000]).sorted()
    let list = counts.map(String.init).joined(separator: ",")
    return (inputs, ["objects", "--files", "\(counts.last ?? count)", "--counts", list], "objects")
  }

  private func onObjects(
    _ number: Int, _ title: String, count: Int, flags: [String] = [], targets: [Target]
  ) -> Benchmark {
    let plain = plainObjects(count)
    let response = "inputs-\(count).rsp"
    return Benchmark(
      number: number, title: title, folder: plain.folder, generate: plain.generate,
      prepare: writesResponse(response, plain.inputs),
      contestants: linkers(plain.inputs, flags, response: response), targets: targets)
  }

  func objects() -> Benchmark {
    let count = size(1000, quick: 24)
    var benchmark = onObjects(
      1, "\(count) objects", count: count,
      targets: [
        wall("objects", must: 0.4, aim: 0.25),
        Target(
          title: "objects", quantity: .peakMemory, contestant: Benchmark.solder, against: Benchmark.wasmLD, must: 1.0,
          aim: 0.6),
        Target(
          title: "objects, one thread against two", quantity: .wall, contestant: Benchmark.solderOneThread,
          against: Benchmark.wasmLD, must: 0.7, aim: 0.4),
      ])
    let arguments = benchmark.contestants[0].command.dropLast() + ["--threads=1"]
    benchmark.contestants.append(
      Contestant(name: Benchmark.solderOneThread, command: Array(arguments), folder: "solder-1"))
    return benchmark
  }

  func compressed() -> Benchmark {
    onObjects(
      7, "--compress-relocations -O2", count: size(1000, quick: 24),
      flags: ["--compress-relocations", "--strip-debug", "-O2"],
      targets: [wall("--compress-relocations -O2", must: 0.5, aim: 0.3)])
  }

  func optimized() -> Benchmark {
    onObjects(
      7, "-O2", count: size(1000, quick: 24), flags: ["-O2"], targets: [wall("-O2", must: 0.5, aim: 0.3)])
  }

  func growth() -> [Benchmark] {
    growthCounts.map { count in
      var benchmark = onObjects(9, "growth: \(count) objects", count: count, targets: [])
      benchmark.growth = ("object", count)
      // A second of work in each.
      benchmark.roundFactor = count <= 1000 ? 2 : 1
      return benchmark
    }
  }

  /// Other things that there may be many of: the same of each, and four or sixteen times as many.
  func growthOfParts() -> [Benchmark] {
    func parts(_ kind: String, _ thing: String, _ count: Int, things: Int? = nil, peer: Bool = false) -> Benchmark {
      let folder = "\(kind)-\(count)"
      let file = kind == "sections" ? "first.o" : "first.so"
      let flags = ["--no-entry", "--export-all", "-L."]
      let wasmLD = Contestant(
        name: Benchmark.wasmLD, command: [tools.wasmLD, file] + flags + [threads], folder: "wasm-ld")
      var benchmark = Benchmark(
        number: 9, title: "growth: \(things ?? count) × \(thing)", folder: folder,
        generate: [kind, "--files", "\(count)"],
        contestants: [solder([file] + flags)] + (peer ? [wasmLD] : []))
      benchmark.growth = (thing, things ?? count)
      benchmark.roundFactor = 2
      benchmark.isProgram = false
      return benchmark
    }
    let sizes = options.isQuick ? [1] : [25, 100]
    return sizes.map { parts("chain", "library that needs ten", $0 * 20) }
      + sizes.map { parts("mutual", "need among libraries that need each other", $0 * 4, things: $0 * $0 * 16) }
      + sizes.map { parts("elements", "element segment", $0 * 1000) }
      + sizes.map { parts("sections", "custom section in a COMDAT", $0 * 200, peer: true) }
  }

  func debug() -> Benchmark {
    let count = size(1000, quick: 24)
    let inputs = ["main-\(count).o"] + objectNames(0..<count)
    let name = options.isQuick ? "quick-debug" : "debug"
    let functions = "\(size(100, quick: 40))"
    return Benchmark(
      number: 2, title: "\(count) objects with debug information", folder: name,
      generate: ["objects", "--debug", "--files", "\(count)", "--functions", functions],
      prepare: writesResponse("inputs.rsp", inputs), contestants: linkers(inputs, response: "inputs.rsp"),
      targets: [wall("debug information", must: 0.5, aim: 0.3)])
  }

  func archives() -> Benchmark {
    let count = size(10_000, quick: 200)
    let inputs = ["main-\(count).o"] + (0..<4).map { "libpart\($0).a" }
    return Benchmark(
      number: 3, title: "archives with \(count) members, a tenth pulled",
      folder: options.isQuick ? "quick-archives" : "archives", generate: ["archives", "--files", "\(count)"],
      prepare: writesResponse("inputs.rsp", inputs), contestants: linkers(inputs, response: "inputs.rsp"),
      targets: [wall("archives", must: 0.4, aim: 0.2)])
  }

  func templates() -> Benchmark {
    let count = size(1000, quick: 24)
    let inputs = ["main-\(count).o"] + objectNames(0..<count)
    return Benchmark(
      number: 4, title: "\(count) C++ objects, many duplicates in COMDATs",
      folder: options.isQuick ? "quick-templates" : "templates", generate: ["templates", "--files", "\(count)"],
      prepare: writesResponse("inputs.rsp", inputs), contestants: linkers(inputs, response: "inputs.rsp"),
      targets: [wall("C++ and COMDATs", must: 0.4, aim: 0.25)])
  }

  // MARK: Shared libraries and modules

  func shared(_ objects: [String], _ output: String) -> [String] {
    [tools.wasmLD, "-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic"] + objects + ["-o", output]
  }

  func run(_ command: [String], in folder: URL) throws {
    let (status, output) = try execute(command, in: folder)
    guard status == 0 else {
      throw BenchmarkError("\(command[0]) failed with status \(status): \(output.prefix(2000))")
    }
  }

  private func merge(_ inputs: [String]) -> [Contestant] {
    guard let wasmMerge = tools.wasmMerge else { return [] }
    let named = inputs.flatMap { [$0, $0.split(separator: ".").first.map(String.init) ?? $0] }
    let command = [wasmMerge, "--all-features", "--rename-export-conflicts", "-g"] + named
    return [Contestant(name: Benchmark.wasmMerge, command: command, folder: "wasm-merge")]
  }

  func libraries() -> Benchmark {
    let count = 12
    let perLibrary = size(31, quick: 2)
    let objects = objectNames(0..<(count * perLibrary))
    let names = (0..<count).map { "lib\($0).so" }
    let main = "main-\(objects.count).o"
    let libraries = solder([main] + names)
    // The same bytes, as they were before they became libraries.
    var (objectLink, stripped) = (solder(["@objects.rsp"]), solder(["--strip-debug", main] + names))
    (objectLink.name, objectLink.folder) = (Benchmark.solderObjects, "solder-objects")
    (stripped.name, stripped.folder) = (Benchmark.solderStripped, "solder-stripped")
    let peer = Contestant(
      name: Benchmark.wasmLDObjects, command: [tools.wasmLD, "@objects.rsp", threads], folder: "wasm-ld-objects")
    func target(_ title: String, _ contestant: String, _ against: String, must: Double, aim: Double) -> Target {
      Target(title: title, quantity: .wall, contestant: contestant, against: against, must: must, aim: aim)
    }
    return Benchmark(
      number: 5, title: "\(count) shared libraries", folder: options.isQuick ? "quick-libraries" : "libraries",
      generate: ["libraries", "--debug", "--files", "\(objects.count)"],
      prepare: { folder in
        for (library, name) in names.enumerated() {
          try run(shared(Array(objects[library * perLibrary..<(library + 1) * perLibrary]), name), in: folder)
        }
        try writesResponse("objects.rsp", [main] + objects)(folder)
      },
      contestants: [libraries, stripped, objectLink, peer, cat([main] + names)] + merge(names),
      targets: [
        wall("shared libraries with debug information", against: Benchmark.cat, must: 6, aim: 3),
        target("shared libraries, stripped", Benchmark.solderStripped, Benchmark.cat, must: 6, aim: 3),
        target("the same bytes as objects", Benchmark.solder, Benchmark.solderObjects, must: 1, aim: 1),
        target("the same bytes as objects", Benchmark.solder, Benchmark.wasmLDObjects, must: 1, aim: 0.5),
      ],
      reference: [tools.wasmLD, main] + objects)
  }

  func program() -> Benchmark {
    let functions = size(75_000, quick: 1000)
    let objects = objectNames(1..<11)
    let inputs = ["program.wasm", "libsmall.so"]
    return Benchmark(
      number: 6, title: "a plain module with a small library", folder: options.isQuick ? "quick-program" : "program",
      generate: ["program", "--files", "11", "--functions", "\(functions)"],
      prepare: { folder in try run(shared(objects, "libsmall.so"), in: folder) },
      contestants: [solder(inputs), cat(inputs)] + merge(inputs),
      targets: [wall("plain module", against: Benchmark.cat, must: 8, aim: 4)],
      reference: [tools.wasmLD, "program.o"] + objects)
  }

  func hello() -> Benchmark? {
    guard let clang = tools.clang, let target = tools.wasiTarget else { return nil }
    let libraries = "\(tools.wasiSysroot)/lib/\(target)"
    let inputs = ["\(libraries)/crt1.o", "hello.o", "\(libraries)/libc.a"]
    let source = "#include <stdio.h>\nint main(void) { puts(\"hello, world\"); return 0; }\n"
    var benchmark = Benchmark(
      number: 8, title: "hello, world with wasi-libc", folder: options.isQuick ? "quick-hello" : "hello",
      prepare: { folder in
        let file = folder.appendingPathComponent("hello.c")
        try source.write(to: file, atomically: true, encoding: .utf8)
        try run(
          [
            clang, "--target=\(target)", "--sysroot=\(tools.wasiSysroot)", "-O2", "-c", "hello.c", "-o", "hello.o",
          ],
          in: folder)
        try writesResponse("inputs.rsp", inputs)(folder)
      },
      contestants: linkers(inputs, response: "inputs.rsp"),
      targets: [wall("hello world", must: 1.0, aim: 0.5)])
    benchmark.roundFactor = 6
    return benchmark
  }
}
