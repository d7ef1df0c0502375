/// Writes one file of a program.
struct Unit {
  let program: Program
  let file: Int
  let builder: ObjectBuilder
  var random: Random
  private(set) var externals: [FunctionReference] = []
  private(set) var externalWords: [DataReference] = []
  private(set) var literals: [Int] = []

  init(_ program: Program, file: Int, style: Style? = nil) {
    self.program = program
    self.file = file
    builder = ObjectBuilder(style: style ?? program.style(of: file))
    random = Random(program.seed, UInt64(file), 20)
    // The object with the program's start has a number past the files'.
    guard file < program.files else { return }
    let scale = max(1, program.functions(in: file) / 1000)
    for _ in 0..<(program.functions(in: file) * 2 / 5) / scale {
      if let external = program.externalFunction(for: file, &random) { externals.append(external) }
    }
    for _ in 0..<6 {
      if let words = program.externalWords(for: file, &random) { externalWords.append(words) }
    }
  }

  /// The object of a file.
  static func object(_ program: Program, file: Int) -> [UInt8] {
    var unit = Unit(program, file: file)
    unit.writeFile()
    return unit.builder.object()
  }

  /// Everything but what belongs to the program's start.
  mutating func writeFile() {
    if builder.style == .module { declareFunctions() }
    // Before the functions: a module's code holds final addresses.
    if program.hasWholeProgram, file <= 1 { defineFuel(file == 0 ? "bench_fuel" : "library_fuel") }
    defineData()
    let used = program.templates(in: file)
    for template in used { defineTemplateData(template) }
    for function in 0..<program.functions(in: file) { writeFunction(function, templates: used) }
    for template in used {
      for method in 0..<program.methodsPerTemplate { writeMethod(template, method) }
    }
    if program.hasWholeProgram, file == 1 { writeRefill() }
    if file % 8 == 5 || file == 0 { writeConstructor() }
    if program.debug {
      var writer = DebugWriter(builder, seed: program.seed, file: file)
      writer.write()
    }
  }

  /// A module's indices are final when they are written, so everything is declared first.
  private func declareFunctions() {
    for external in externals { builder.declareInModule(symbol(external)) }
    builder.declareInModule(symbol(.function(file: 1, 0)))
    builder.declareInModule(refillSymbol)
    builder.declareInModule(writeImportSymbol)
    for function in 0..<program.functions(in: file) {
      builder.declareInModule(symbol(.function(file: file, function)))
    }
    builder.declareInModule(constructorSymbol)
    builder.declareInModule(startSymbol)
  }

  // MARK: Symbols

  private func key(_ tag: UInt64, _ first: Int, _ second: Int = 0) -> UInt64 {
    tag << 56 | UInt64(first) << 24 | UInt64(second)
  }

  func symbol(_ reference: FunctionReference) -> Int {
    switch reference {
    case .function(let other, let function):
      builder.symbol(key(1, other, function)) {
        Symbol(
          kind: .function(signature: program.signature(reference), definition: nil), name: program.name(reference),
          flags: other == file
            ? program.isStatic(function) ? .local : linkage(isExported: program.isExported(function))
            : undefined(isHidden: program.isSameLibrary(file, other) && !program.isExported(function)))
      }
    case .method(let template, let method):
      builder.symbol(key(2, template, method)) {
        Symbol(
          kind: .function(signature: program.signature(reference), definition: nil), name: program.name(reference),
          flags: linkage(isExported: true).union(.weak))
      }
    }
  }

  /// Flags of what this file defines.
  private func linkage(isExported: Bool) -> SymbolFlags {
    builder.style == .positionIndependent && isExported ? [] : .hidden
  }

  /// Flags of what another file defines; static code does not say that it is hidden.
  private func undefined(isHidden: Bool) -> SymbolFlags {
    builder.style == .positionIndependent && isHidden ? [.undefined, .hidden] : .undefined
  }

  func symbol(_ reference: DataReference) -> Int {
    func make(_ tag: UInt64, _ template: Int, _ prefix: String, _ suffix: String = "E") -> Int {
      builder.symbol(key(tag, template)) {
        Symbol(
          kind: .data(segment: nil, offset: 0, size: 0),
          name: "\(prefix)N\(Names.instantiation(program.seed, template))\(suffix)",
          flags: linkage(isExported: true).union([.weak, .undefined]))
      }
    }
    switch reference {
    case .data(let other, let index):
      return builder.symbol(key(3, other, index)) {
        let isOwn = other == file
        return Symbol(
          kind: .data(segment: nil, offset: 0, size: 0),
          name: Names.data(program.seed, other, index, cxxPercent: program.cxxPercent),
          flags: isOwn
            ? [
              program.isStatic(data: index) ? .local : linkage(isExported: program.isExported(data: index)), .undefined,
            ]
            : undefined(isHidden: program.isSameLibrary(file, other) && !program.isExported(data: index)))
      }
    case .fuel:
      return builder.symbol(key(4, 0)) {
        let name = program.hasWholeProgram && file != 0 ? "library_fuel" : "bench_fuel"
        return Symbol(kind: .data(segment: nil, offset: 0, size: 0), name: name, flags: .undefined)
      }
    case .vtable(let template): return make(5, template, "_ZTV")
    case .typeDescription(let template): return make(6, template, "_ZTI")
    case .typeName(let template): return make(7, template, "_ZTS")
    case .counter(let template): return make(8, template, "_Z", "8instanceE")
    case .typeVtable:
      return builder.symbol(key(9, 0)) {
        Symbol(
          kind: .data(segment: nil, offset: 0, size: 0), name: "_ZTVN10__cxxabiv117__class_type_infoE",
          flags: .undefined)
      }
    }
  }

  /// A function of the benchmark's own, by name.
  func namedSymbol(_ number: Int, _ name: String, _ signature: Int, _ flags: SymbolFlags, module: String? = nil) -> Int
  {
    builder.symbol(key(10, number)) {
      Symbol(
        kind: .function(signature: signature, definition: nil), name: name, flags: flags, importModule: module)
    }
  }

  var refillSymbol: Int {
    namedSymbol(1, "library_refill", refillSignature, file == 1 ? linkage(isExported: true) : .undefined)
  }

  var constructorSymbol: Int {
    namedSymbol(2, "_GLOBAL__sub_I_file\(file).cpp", plainSignature, .local)
  }

  // MARK: Data

  func defineFuel(_ name: String) {
    var segment = Segment(name: ".bss.\(name)", alignment: 2)
    segment.contents.little32(0)
    let symbol = symbol(.fuel)
    builder.symbols[symbol].flags = linkage(isExported: true)
    builder.addSegment(segment, defining: symbol)
  }

  private mutating func defineData() {
    for index in 0..<program.strings(in: file) {
      var segment = Segment(name: ".rodata..L.str" + (index == 0 ? "" : ".\(index)"), alignment: 0, isStrings: true)
      segment.contents.append(Names.literal(program.seed, file, index).utf8)
      segment.contents.byte(0)
      let name = String(segment.name.dropFirst(".rodata.".count))
      let symbol = builder.symbol(key(11, index)) {
        Symbol(kind: .data(segment: nil, offset: 0, size: 0), name: name, flags: .local)
      }
      builder.addSegment(segment, defining: symbol)
      literals.append(symbol)
    }
    // What a pointer in a module points to has to have its address, so the words come before the pointers; a pointer
    // is to a word of this file or of another.
    let indices = 0..<program.data(in: file)
    for index in indices where index % 8 < 6 { defineWords(index) }
    for index in indices where index % 8 >= 6 { definePointers(index) }
  }

  private mutating func defineWords(_ index: Int) {
    let symbol = symbol(.data(file: file, index))
    let kind = program.kind(ofData: index)
    let prefix = kind == .words ? ".data." : kind == .zeroWords ? ".bss." : ".rodata."
    var segment = Segment(name: prefix + builder.symbols[symbol].name, alignment: index % 8 == 4 ? 4 : 2)
    for _ in 0..<(1 << program.logWords(file: file, data: index)) {
      let value = UInt32(random.chance(percent: 70) ? random.below(200) : random.below(1 << 30))
      segment.contents.little32(kind == .zeroWords ? 0 : value)
    }
    builder.addSegment(segment, defining: symbol)
  }

  private mutating func definePointers(_ index: Int) {
    let symbol = symbol(.data(file: file, index))
    let isData = program.kind(ofData: index) == .pointers
    var segment = Segment(name: ".data." + builder.symbols[symbol].name, alignment: 2)
    for position in 0..<(1 << program.logWords(file: file, data: index)) {
      let offset = 4 * position
      segment.contents.little32(0)
      if isData {
        let own = DataReference.data(file: file, random.below(program.data(in: file)) / 8 * 8)
        let target = random.chance(percent: 25) ? externalWords.first ?? own : own
        let relocation = Relocation(
          type: .memoryAddressI32, offset: offset, index: self.symbol(target), addend: 4 * random.below(8))
        segment.relocations.append(relocation)
      } else {
        let target = pointedFunction(&random)
        segment.relocations.append(Relocation(type: .tableIndexI32, offset: offset, index: self.symbol(target)))
      }
    }
    builder.addSegment(segment, defining: symbol)
  }

  /// A live function of the type of function pointers: of this file, or now and then of another.
  func pointedFunction(_ random: inout Random) -> FunctionReference {
    let pointable = externals.filter { program.signature($0) == 0 }
    if !pointable.isEmpty, random.chance(percent: 20) { return random.element(of: pointable) }
    let function = random.below(max(1, program.liveFunctions(in: file) / 5)) * 5 + 3
    return .function(file: file, function < program.liveFunctions(in: file) ? function : 0)
  }

  // MARK: Functions

  private func writeFunction(_ function: Int, templates: [Int]) {
    let live = program.liveFunctions(in: file)
    var scope = Scope(random: Random(program.seed, UInt64(file), UInt64(function), 21))
    if function < live {
      scope.required = [2 * function + 1, 2 * function + 2].filter { $0 < live }.map { .function(file: file, $0) }
      for position in templates.indices where position * 3 % live == function {
        scope.required.append(.method(template: templates[position], 0))
      }
    }
    if function == 0 { scope.required += program.children(ofFile: file).map { .function(file: $0, 0) } }
    for _ in 0..<4 { scope.pool.append(.function(file: file, scope.random.below(live))) }
    for _ in 0..<4 where !externals.isEmpty { scope.pool.append(scope.random.element(of: externals)) }
    if !templates.isEmpty {
      for _ in 0..<4 {
        let template = scope.random.element(of: templates)
        scope.pool.append(.method(template: template, scope.random.below(program.methodsPerTemplate)))
        scope.functionTables.append((.vtable(template: template), 8))
      }
    }
    scope.pointed = [pointedFunction(&scope.random)]
    addData(to: &scope)
    var writer = FunctionWriter(self, scope)
    writer.write(.function(file: file, function))
  }

  private func addData(to scope: inout Scope) {
    let count = program.data(in: file)
    for _ in 0..<3 {
      let group = scope.random.below(max(1, count / 8)) * 8
      for index in group..<min(group + 8, count) {
        let reference = DataReference.data(file: file, index)
        switch program.kind(ofData: index) {
        case .words, .zeroWords: scope.writableWords.append((reference, logWords(reference)))
        case .constantWords: scope.words.append((reference, logWords(reference)))
        case .pointers: scope.pointerTables.append(reference)
        case .functionPointers: scope.functionTables.append((reference, 0))
        }
      }
    }
    if !externalWords.isEmpty {
      let reference = scope.random.element(of: externalWords)
      scope.words.append((reference, logWords(reference)))
    }
    for _ in 0..<3 { scope.literals.append(scope.random.element(of: literals)) }
  }

  private func logWords(_ reference: DataReference) -> Int {
    guard case .data(let file, let index) = reference else { return 0 }
    return program.logWords(file: file, data: index)
  }

  private mutating func writeConstructor() {
    let scope = Scope(random: Random(program.seed, UInt64(file), 22))
    var writer = FunctionWriter(self, scope)
    let symbol = constructorSymbol
    builder.const32(file + 1)
    builder.const32(7)
    builder.call(self.symbol(.function(file: file, 0)))
    builder.op(Opcode.drop)
    let target = self.symbol(.data(file: file, 0))
    for offset in 0..<4 {
      builder.access(
        Opcode.i32Store, alignment: 2, target, addend: 4 * offset, value: { builder.const32(file + offset) })
    }
    writer.end(symbol)
    builder.constructors.append(symbol)
  }

  private mutating func writeRefill() {
    var writer = FunctionWriter(self, Scope(random: Random(0)))
    builder.access(
      Opcode.i32Store, alignment: 2, symbol(.fuel), value: { builder.op(Opcode.localGet, 0) })
    writer.end(refillSymbol)
  }

  // MARK: Class templates

  /// The data of an instantiation, each in its COMDAT group: virtual function table, type description and name, and a
  /// static member.
  private func defineTemplateData(_ template: Int) {
    func add(_ reference: DataReference, _ prefix: String, _ alignment: Int, _ fill: (inout Segment) -> Void) {
      let symbol = symbol(reference)
      let name = builder.symbols[symbol].name
      var segment = Segment(name: prefix + name, alignment: alignment)
      fill(&segment)
      builder.comdats.append(Comdat(name: name, segments: [builder.segments.count]))
      builder.addSegment(segment, defining: symbol)
    }
    add(.typeName(template: template), ".rodata.", 0) { segment in
      segment.contents.append("N\(Names.instantiation(program.seed, template))E".utf8)
      segment.contents.byte(0)
    }
    let dataPrefix = ".data.rel.ro."
    add(.typeDescription(template: template), dataPrefix, 2) { segment in
      segment.contents.little32(0)
      segment.contents.little32(0)
      segment.relocations = [
        Relocation(type: .memoryAddressI32, offset: 0, index: symbol(.typeVtable), addend: 8),
        Relocation(type: .memoryAddressI32, offset: 4, index: symbol(.typeName(template: template))),
      ]
    }
    add(.vtable(template: template), dataPrefix, 2) { segment in
      for _ in 0..<6 { segment.contents.little32(0) }
      segment.relocations = [
        Relocation(type: .memoryAddressI32, offset: 4, index: symbol(.typeDescription(template: template)))
      ]
      for slot in 0..<4 {
        let method = symbol(.method(template: template, 3 * slot))
        segment.relocations.append(Relocation(type: .tableIndexI32, offset: 8 + 4 * slot, index: method))
      }
    }
    add(.counter(template: template), ".bss.", 2) { $0.contents.little32(0) }
  }

  private func writeMethod(_ template: Int, _ method: Int) {
    // The body depends on the template alone: every file has the same copy.
    var scope = Scope(random: Random(program.seed, UInt64(template), UInt64(method), 23))
    scope.isShort = true
    scope.required = [2 * method + 1, 2 * method + 2].filter { $0 < program.methodsPerTemplate }
      .map { .method(template: template, $0) }
    scope.pool = (0..<3).map { _ in .method(template: template, scope.random.below(program.methodsPerTemplate)) }
    let home = hash(program.seed, template, 14) % program.files
    scope.pool.append(
      .function(file: home, hash(program.seed, template, 15) % (program.liveFunctions(in: home) / 3) * 3))
    scope.pointed = [.method(template: template, 3)]
    scope.functionTables = [(.vtable(template: template), 8)]
    scope.writableWords = [(.counter(template: template), 0)]
    scope.words = scope.writableWords
    scope.literals = [literals[method % literals.count]]
    let reference = FunctionReference.method(template: template, method)
    var writer = FunctionWriter(self, scope)
    writer.write(reference)
    let symbol = symbol(reference)
    builder.comdats.append(Comdat(name: builder.symbols[symbol].name, functions: [symbol]))
  }
}
