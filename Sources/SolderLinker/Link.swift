import CPlatform
import SizeReport
import SystemPackage
import WebAssemblyFormat

/// One link, from options to bytes. `run` is the whole story; each pass borrows what the passes before it made.
struct Link {
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let threads: Threads
  private let timer: PassTimer
  private let control: LinkControl
  private let writesFile: Bool
  private let isLast: Bool

  /// - Parameters:
  ///   - writesFile: whether the result becomes a file, so that a mistake in its name is reported early.
  ///   - isLast: whether the process ends after this link, so that memory need not be given back.
  init(
    _ options: LinkOptions, _ diagnostics: Diagnostics, _ timer: PassTimer, _ control: LinkControl, writesFile: Bool,
    isLast: Bool = false
  ) {
    self.writesFile = writesFile
    self.isLast = isLast
    self.options = options.normalized()
    self.diagnostics = diagnostics
    self.control = control
    threads = Threads(options.threads)
    self.timer = timer
  }

  /// Whether nothing more is to be done: there was an error, or somebody cancelled the link.
  private var isOver: Bool { diagnostics.hasErrors || control.isCancelled }

  /// - Parameters:
  ///   - files: receives the files that were opened.
  ///   - whenDecided: sees all that is decided about the result before any of it is written.
  func run(
    _ files: inout [InputFile], whenDecided: (Program) -> Void = { _ in }
  ) -> (image: OutputImage, source: LinkResult.Source)? {
    let names = NameArena()

    // Map the files, tell what they are, split archives, read declarations and symbols; finished modules are lifted as
    // far as their symbols. Afterwards every input is a unit, or a promise of one, of the same shape.
    var loader = InputLoader(options: options, diagnostics: diagnostics, threads: threads, names: names)
    var inputs = loader.load()
    files = inputs.files
    timer.end(.readInputs, items: inputs.order.count, bytes: inputs.bytes)
    writeReproduction(inputs)
    checkWritable(inputs)
    if isOver { return nil }

    // A plain module that is alone, and of which nothing is asked, is the result as it is.
    if let copy = LoneModule.copy(inputs, options) {
      SizeReportFile.write(options, diagnostics) {
        let result = LinkResult(size: copy.image.count, .copied(copy.module))
        return SizeReport(of: copy.module, result.sections, size: result.size, options)
      }
      for name in options.whyLiveSymbols {
        diagnostics.message("--why-live=\(name): the module is alone, and all of it is the result")
      }
      return (copy.image, .copied(copy.module))
    }

    // Resolve names to definitions, pulling in archive members until nothing new is needed. Afterwards no file is added
    // and no name changes its meaning. Going through the code of finished modules asks for no names, so all threads but
    // the one that resolves do that meanwhile.
    let code = CodeLifter(inputs.likelyMemories(options, names), options)
    guard let bindings = resolve(inputs, names, meanwhile: code), !control.isCancelled else { return nil }
    TraceReport.write(bindings, options, diagnostics)
    TextReport.write(.whyExtract, options, diagnostics) { WhyExtract.text(bindings, options) }

    // Decode the relocations of objects, and join those of finished modules. Afterwards all is known that the inputs
    // say, and nothing changes it.
    let units = ReadRelocationsPass(bindings, options, diagnostics, threads).run(code)
    var resolution = Resolution(consume bindings, units)
    timer.end(.readRelocations, items: resolution.relocationCount)
    if isOver { return nil }

    // Make the tables in which the program finds what it opens and asks for (`dlopen`, `dlsym`).
    resolution = DlopenPass(consume resolution, options, diagnostics).run()

    // Write the calls that a jump may leave, for code that emscripten made for that (`invoke_…`).
    resolution = TrampolinePass(consume resolution, options).run()

    // Write the functions that have further slots of others, where libraries become objects.
    resolution = ForwarderPass(consume resolution).run()
    if isOver { return nil }

    // Declare what the linker may have to add: set-up of memory, wrappers of exports, stubs, a table. Afterwards the
    // numbers of functions, globals, tags, tables and symbols are final.
    let own: OwnUnit
    (resolution, own) = OwnUnitPass(consume resolution, options, diagnostics, is64: inputs.width.is64).run()

    // Mark what the roots reach. Afterwards it is known what the result contains.
    let live = MarkPass(resolution, own, options, threads).run()
    StubReport(resolution: resolution, live: live, options: options, diagnostics: diagnostics).write()
    timer.end(.mark, items: live.functions.count + live.segments.count)
    if options.gcSections, options.printGCSections {
      GarbageReport(resolution: resolution, own: own, live: live, options: options, diagnostics: diagnostics).write()
    }

    // Afterwards the result catches exceptions in one way.
    ExceptionCheck(resolution: resolution, live: live, options: options, diagnostics: diagnostics).run()

    // Afterwards all that is live has a form in the result's format.
    ObjectFormatCheck(resolution, live, options, diagnostics).run()
    if isOver { return nil }

    // Order what runs before the program: start functions, relocation functions, constructors.
    let start = StartOrder(resolution, own, live, options, diagnostics)

    // Give data, stack and heap their addresses.
    let placed = MemoryPass(
      resolution, own, live, start, options: options, diagnostics: diagnostics, threads: threads,
      is64: inputs.width.is64
    ).run()

    // Afterwards a memory that threads share is set up once, or the link has failed.
    SharedMemoryCheck(
      resolution: resolution, memory: placed, start: start, options: options, diagnostics: diagnostics
    ).run()

    // Afterwards somebody gives each thread its copy of all thread-local data.
    ThreadSetUpCheck(
      resolution: resolution, live: live, memory: placed, options: options, diagnostics: diagnostics
    ).run()

    // Afterwards all code that counts pages counts those that its memory has.
    PageSizeCheck(
      resolution: resolution, live: live, memory: placed, options: options, diagnostics: diagnostics
    ).run()

    // Give the symbols that stand for places in memory their values.
    AddressSymbols.define(&resolution, own, placed, options, diagnostics)

    // Choose the features that the result uses. Without extended constant expressions what is position-independent has
    // one data segment.
    let features = FeatureSet(resolution, live, placed, options, diagnostics)
    let memory = placed.combined(features, options)
    timer.end(.memory, items: live.segments.count, bytes: Int(clamping: memory.dataEnd &- memory.dataStart))

    // Find functions that are identical to others, of which the first is kept. Afterwards the others are names for it.
    let folds = FoldPass(resolution, live, memory, options, threads).run()
    if options.identicalCodeFolding != .none { timer.end(.foldIdentical, items: folds.all.count) }
    if options.printFoldedSections {
      FoldReport(resolution: resolution, folds: folds, diagnostics: diagnostics).write()
    }

    // Look at every live relocation: which functions need a slot, which addresses a global, which types code names, and
    // what is missing. Afterwards nobody goes through all relocations again until bytes are written.
    let demands = Demands(resolution, live, folds, memory, options, threads)

    // Report what is undefined. Afterwards a reference leads to a definition, to an import, or to a stub that traps.
    let rule = ImportRule(
      resolution, live, options, allowedUndefined: AllowedUndefined.read(options, inputs, diagnostics, names))
    let missing = UndefinedCheck(
      resolution: resolution, own: own, rule: rule, options: options, diagnostics: diagnostics
    ).run(demands)

    // Find the addresses that globals hold, and give functions their slots. Afterwards every function pointer is final.
    let addresses = AddressGlobals(demands, resolution, options)
    let table = FunctionTablePass(
      resolution, own, live, start, folds, rule, options: options, diagnostics: diagnostics, is64: inputs.width.is64
    ).run(demands, missing, addresses)

    // Choose the imports, which come first in every index space. Afterwards nothing is undefined that is called.
    let imports = ImportPass(resolution, own, consume rule, options, threads).run(table, addresses)

    // Report what whole modules still want of the host, where that was asked for, or where it is likely a mistake.
    HostImportCheck(resolution: resolution, options: options, diagnostics: diagnostics).run(imports)

    // Tell of libraries that cannot do what they are there for.
    LibraryCheck(
      resolution: resolution, live: live, memory: memory, imports: imports, options: options, diagnostics: diagnostics
    ).run()

    // What is missing with permission is its stub from here on.
    resolution.replace(missing)

    // Decide what starts all that. Afterwards it is known which of the linker's own functions are needed.
    let startUp = StartUpPass(
      resolution, own, live, start, memory, addresses, features, options: options, diagnostics: diagnostics
    ).run()

    // Number functions, globals, tags, tables, element segments and types. Afterwards every index is final.
    let numbering = NumberingPass(
      resolution, live, folds, missing, table, addresses, imports, startUp, diagnostics
    ).run()
    let types = TypePass(resolution: resolution, threads: threads).run(demands, imports, numbering)

    // Choose the exports, each by its index.
    let exports = ExportPass(
      resolution, live, imports, addresses, startUp, numbering, features, options: options,
      diagnostics: diagnostics
    ).run(table, threads)
    let indices = IndexPlan(
      folds: folds, table: table, addresses: addresses, imported: imports, startUp: startUp,
      numbering: numbering, types: types, exported: exports)
    features.checkMutableGlobals(resolution, indices, options, diagnostics)
    timer.end(.number, items: numbering.functions.count)
    if isOver { return nil }

    // Answer once, for every symbol, what it is in the result: its address, its index, its slot.
    let values = SymbolValue.all(resolution, live, memory, indices, options, threads)
    timer.end(.symbolValues, items: values.count)

    // Sort what `dladdr` looks addresses up in. Afterwards nothing is decided any more but how bytes are written.
    resolution = DlopenOrderPass(consume resolution, live, values).run()
    let program = Program(
      resolution: resolution, live: live, memory: memory, indices: indices, values: values, features: features,
      options: options, is64: inputs.width.is64)
    if isLast { keepForEver(program) }

    // Refuse tables that would begin with globals, which come behind them; in debug builds, check the graph.
    ConstantGlobals.checkTables(program, diagnostics)
    #if DEBUG
      GraphCheck(program).run()
    #endif
    if isOver { return nil }
    whenDecided(program)
    if control.isCancelled { return nil }

    // Write the bodies of the linker's own functions, and measure all functions. Afterwards the place of each in the code
    // section is final.
    let bodies = SyntheticCode(program: program).bodies()
    let codeEncoder = OperandEncoder(program, CustomPlan(), threads)
    let debugInformation = DebugInformationPass(program, diagnostics, threads)
    var codePlan = CodePlan(
      program, codeEncoder, bodies,
      recordsChanges: options.sourceMapFile != nil || debugInformation.asksForPlaces, threads)
    timer.end(.measureCode, items: codePlan.sizes.count, bytes: Int(clamping: codePlan.payloadSize))

    // Bring what debug information says of code to the code of the result, and join custom sections.
    let rewritten = debugInformation.run(codePlan)
    if options.sourceMapFile == nil { codePlan.forgetChanges() }
    if diagnostics.hasErrors { return nil }
    let encoder = OperandEncoder(codeEncoder, CustomPlan(resolution, rewritten, options, threads))
    timer.end(.customSections, items: encoder.custom.outputs.count)

    // Find the zeros of data that need not be written.
    let parts = DataParts(program)

    // Lay out the result: where every byte goes, and what writes it there, once.
    var writer = ImageWriter(program, encoder, codePlan, parts, bodies: bodies, threads)
    guard let image = writer.layOut() else {
      diagnostics.error("the result is larger than 4 GiB", .objectFormat)
      return nil
    }
    timer.end(.smallSections, items: writer.layout.sections.count, bytes: writer.smallSize)
    if program.errors.tell(diagnostics) { return nil }
    if options.sourceMapFile != nil {
      let maps = SourceMapPass(program, codePlan, writer.layout, diagnostics, threads).write()
      inputs.paths += maps
      if !maps.isEmpty { writeReproduction(inputs) }
    }
    TextReport.write(.map, options, diagnostics) { LinkMap(program, writer.layout, codePlan).text() }
    if !options.sizeReportFiles.isEmpty || !options.whyLiveSymbols.isEmpty {
      let sizes = SizeReportBuilder(program, writer.layout, codePlan, encoder.custom)
      SizeReportFile.write(options, diagnostics) { sizes.report }
      WhyLive(program: program, builder: sizes, diagnostics: diagnostics).write(options.whyLiveSymbols)
    }
    TextReport.write(.dependencies, options, diagnostics) { DependencyFile.text(inputs, options) }
    let identified = writer.identified(image)
    if isLast { keepForEver(Kept(identified)) }
    return (identified, .linked(program, writer.layout, codePlan))
  }

  /// What fills the result holds on to memory that nobody has to give back when the process ends.
  private final class Kept {
    private let image: OutputImage

    init(_ image: OutputImage) { self.image = image }
  }

  /// Runs the pass in a function of its own, so that it is gone afterwards: two owners of the table of symbols would
  /// mean copying it with the first change. That is also why the other passes are consumed when they run.
  private func resolve(_ inputs: Inputs, _ names: NameArena, meanwhile code: CodeLifter) -> Bindings? {
    func resolve() -> Bindings? {
      var pass = ResolvePass(inputs, options: options, diagnostics: diagnostics, names: names, threads: threads)
      let bindings = pass.run(inputs)
      timer.end(.resolve, items: pass.resolver.table.symbols.count)
      return bindings
    }
    return code.isEmpty ? resolve() : threads.run(resolve, meanwhile: code.work)
  }

  /// What was read is archived even if the link fails: that may be what is to be reproduced.
  private func writeReproduction(_ inputs: Inputs) {
    guard let path = options.reproduceFile else { return }
    do throws(Errno) {
      let archive = ReproductionArchive(options, inputs)
      for (file, error) in archive.unreadable {
        diagnostics.error("--reproduce: cannot read \(file): \(error)", .cannotOpen, in: file)
      }
      try archive.write(to: path)
    } catch {
      diagnostics.error("--reproduce: failed to open \(path): \(error)", .cannotWrite, in: path)
    }
  }

  /// A mistake in the name of a file to write is reported before the long work of a link.
  private func checkWritable(_ inputs: Inputs) {
    let output = writesFile ? options.outputPath : ""
    var files = [("output file", output), ("map file", options.mapFile ?? "")]
    files += options.sizeReportFiles.map { ("size report", $0) }
    for (kind, path) in files {
      do {
        try OutputFile.check(path)
      } catch {
        diagnostics.error("cannot open \(kind) \(path): \(error)", .cannotWrite, in: path)
      }
    }
    files += [
      ("source map", options.sourceMapFile ?? ""), ("dependency file", options.dependencyFile ?? ""),
      ("--why-extract file", options.whyExtractFile ?? ""), ("--reproduce file", options.reproduceFile ?? ""),
      ("time trace", options.timeTraceFile ?? ""),
    ]
    checkDistinct(files, inputs)
  }

  /// Two results under one name would leave only one of them, and what is written beside the result takes the place of no
  /// input.
  private func checkDistinct(_ files: [(kind: String, path: String)], _ inputs: Inputs) {
    var kinds: [FilePath: String] = [:]
    let read = Set(inputs.paths.map { FilePath($0).lexicallyNormalized() })
    for (kind, path) in files.dropFirst() where !path.isEmpty && read.contains(FilePath(path).lexicallyNormalized()) {
      diagnostics.error("\(path) is both an input and the \(kind): give them two names", .cannotWrite, in: path)
    }
    // What standard output and devices get, they get one after the other.
    for (kind, path) in files where !path.isEmpty && path != "-" && !path.hasPrefix("/dev/") {
      guard let other = kinds.updateValue(kind, forKey: FilePath(path).lexicallyNormalized()) else { continue }
      diagnostics.error("\(path) is both the \(other) and the \(kind): give them two names", .cannotWrite, in: path)
    }
  }
}
