/// A small module, shared library or object, put together in Swift by nothing of the linker's own.
///
///     // A plain module.
///     var adder = ModuleBuilder()
///     let host = adder.importFunction("env", "next", [.i32], [.i32])
///     adder.memory(Limits(1), export: "memory")
///     adder.function([.i32], [.i32], export: "run", [.localGet(0), .call(host)])
///
///     // A shared library: `dylink.0`, and what such a library usually imports.
///     var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2, needed: ["libother.so"]))
///     library.importFunction("env", "helper", [], [.i32])
///     let base = library.importMemoryAndBases()
///     library.data(.active([.globalGet(base.memory)]), [1, 2, 3, 4])
///     library.function([.i32], [.i32], export: "next", [.globalGet(base.memory), .i32Load(), .localGet(0), .i32Add])
///
///     // An object; see `ModuleBuilder+Object.swift`.
///     var object = ModuleBuilder(object: true)
///     let helper = object.function("helper", [], [.i32], [.i32Const(7)])      // function and symbol
///
///     // Link them in this process, check what must hold of every result, call an export.
///     let result = try await linked(["adder.wasm": adder, "libnext.so": library, "helper.o": object])
///     #expect(try await result.call("run", 1) == "67305986")
///     // Or expect an error that mentions all of these.
///     refused(["adder.wasm": adder], "--fatal-warnings", mentions: ["adder.wasm", "next"])
///
/// Indices are those of the file, so what is imported must be added before what is defined, kind by kind. Nothing is
/// checked: a test may want a module that is wrong. For what the builder cannot say there are `raw` forms, and sections
/// of any content.
struct ModuleBuilder: Sendable {
  enum Kind: UInt8, Sendable { case function, table, memory, global, tag }

  /// Where a data or element segment goes.
  enum Placement: Sendable {
    case active([WasmInstruction], memory: Int = 0)
    case passive
    /// Element segments only.
    case declarative

    static func at(_ offset: Int32, memory: Int = 0) -> Placement { .active([.i32Const(offset)], memory: memory) }
    static func at64(_ offset: Int64, memory: Int = 0) -> Placement { .active([.i64Const(offset)], memory: memory) }
  }

  struct Import: Sendable {
    var module: String
    var name: String
    var kind: Kind
    /// What stands behind the kind.
    var description: [UInt8]
  }

  struct Function: Sendable {
    var type: Int
    var locals: [WasmType]
    var code: [WasmInstruction]
  }

  struct Data: Sendable {
    var placement: Placement
    var bytes: [UInt8]
    var relocations: [DataRelocation] = []
    /// In objects: name, log2 of the alignment, flags.
    var name = ""
    var alignment = 0
    var flags = 0
  }

  struct Custom: Sendable {
    var name: String
    var bytes: [UInt8]
    var relocations: [DataRelocation] = []
  }

  /// Encoded entries of the type section.
  var types: [[UInt8]] = []
  /// The number of types; more than entries if some of them are groups.
  private(set) var typeCount = 0
  private var knownTypes: [[UInt8]: Int] = [:]
  var imports: [Import] = []
  var functions: [Function] = []
  var tables: [[UInt8]] = []
  var memories: [Limits] = []
  var tags: [[UInt8]] = []
  var globals: [(type: [UInt8], initial: [WasmInstruction])] = []
  var exports: [(name: String, kind: Kind, index: Int)] = []
  var start: Int?
  /// Encoded element segments.
  var elements: [[UInt8]] = []
  var segments: [Data] = []
  var customs: [Custom] = []
  /// Sections of any kind that stand before all others.
  var leading: [(identifier: UInt8, bytes: [UInt8])] = []

  /// What makes the module a shared library.
  var dylink: Dylink?
  /// What makes the module an object.
  var linking: Linking?
  /// Whether indices in code have five bytes each, as wasm-ld writes them.
  var padsOperands = false
  /// Whether there is a data count section; `nil` for when a segment is passive.
  var hasDataCount: Bool?

  /// The name section: the module's name, and names by index.
  var moduleName: String?
  var functionNames: [Int: String] = [:]
  var globalNames: [Int: String] = [:]
  var tableNames: [Int: String] = [:]
  var memoryNames: [Int: String] = [:]
  var dataNames: [Int: String] = [:]
  var localNames: [Int: [Int: String]] = [:]

  /// Whether addresses have 64 bits, as far as the builder itself writes any.
  let is64: Bool

  init(dylink: Dylink? = nil, object: Bool = false, is64: Bool = false) {
    self.dylink = dylink
    self.is64 = is64
    linking = object ? Linking() : nil
    if object { importMemory("env", "__linear_memory", Limits(0, is64: is64)) }
  }

  // MARK: Types

  /// The index of this function type, which is added when it is new.
  @discardableResult
  mutating func type(_ parameters: [WasmType], _ results: [WasmType]) -> Int {
    var bytes: [UInt8] = [0x60]
    bytes.list(parameters) { $0 += $1.bytes }
    bytes.list(results) { $0 += $1.bytes }
    if let known = knownTypes[bytes] { return known }
    knownTypes[bytes] = typeCount
    return type(raw: bytes)
  }

  /// Adds an entry of the type section: a composite type, a `sub`, or a group of `count` of them.
  ///
  /// - Returns: the index of the first type in it.
  @discardableResult
  mutating func type(raw bytes: [UInt8], count: Int = 1) -> Int {
    types.append(bytes)
    typeCount += count
    return typeCount - count
  }

  /// Adds a function type that says what it is a subtype of, or that others may be subtypes of it.
  mutating func subtype(
    _ parameters: [WasmType], _ results: [WasmType], of supertype: Int? = nil, isFinal: Bool = false
  ) -> Int {
    var bytes: [UInt8] = [isFinal ? 0x4F : 0x50]
    bytes.list(supertype.map { [$0] } ?? []) { $0.unsigned($1) }
    bytes.append(0x60)
    bytes.list(parameters) { $0 += $1.bytes }
    bytes.list(results) { $0 += $1.bytes }
    return type(raw: bytes)
  }

  // MARK: Imports

  @discardableResult
  mutating func importFunction(
    _ module: String, _ name: String, _ parameters: [WasmType] = [], _ results: [WasmType] = []
  ) -> Int {
    importFunction(module, name, type: type(parameters, results))
  }

  @discardableResult
  mutating func importFunction(_ module: String, _ name: String, type: Int) -> Int {
    var bytes: [UInt8] = []
    bytes.unsigned(type)
    return addImport(module, name, .function, bytes)
  }

  @discardableResult
  mutating func importGlobal(_ module: String, _ name: String, _ type: WasmType, isMutable: Bool = false) -> Int {
    addImport(module, name, .global, type.bytes + [isMutable ? 1 : 0])
  }

  @discardableResult
  mutating func importMemory(_ module: String, _ name: String, _ limits: Limits) -> Int {
    addImport(module, name, .memory, limits.bytes)
  }

  @discardableResult
  mutating func importTable(_ module: String, _ name: String, _ type: WasmType = .funcref, _ limits: Limits) -> Int {
    addImport(module, name, .table, type.bytes + limits.bytes)
  }

  @discardableResult
  mutating func importTag(_ module: String, _ name: String, _ parameters: [WasmType]) -> Int {
    var bytes: [UInt8] = [0]
    bytes.unsigned(type(parameters, []))
    return addImport(module, name, .tag, bytes)
  }

  /// Imports `env.memory`, `env.__indirect_function_table` and the two bases, as libraries of wasm-ld do.
  ///
  /// - Returns: the indices of the globals `__memory_base` and `__table_base`.
  mutating func importMemoryAndBases() -> (memory: Int, table: Int) {
    importMemory("env", "memory", Limits(0, is64: is64))
    importTable("env", "__indirect_function_table", .funcref, Limits(0, is64: is64))
    return (
      importGlobal("env", "__memory_base", .address(is64: is64)),
      importGlobal("env", "__table_base", .address(is64: is64))
    )
  }

  mutating func addImport(_ module: String, _ name: String, _ kind: Kind, _ description: [UInt8]) -> Int {
    let index = importCount(kind)
    imports.append(Import(module: module, name: name, kind: kind, description: description))
    return index
  }

  func importCount(_ kind: Kind) -> Int { imports.count { $0.kind == kind } }

  // MARK: Definitions

  /// Adds a function; the `end` of its body is added.
  ///
  /// - Returns: its index.
  @discardableResult
  mutating func function(
    _ parameters: [WasmType] = [], _ results: [WasmType] = [], locals: [WasmType] = [], export: String? = nil,
    name: String? = nil, _ code: [WasmInstruction]
  ) -> Int {
    function(type: type(parameters, results), locals: locals, export: export, name: name, code)
  }

  /// Adds a function of a type that was added before.
  @discardableResult
  mutating func function(
    type: Int, locals: [WasmType] = [], export: String? = nil, name: String? = nil, _ code: [WasmInstruction]
  ) -> Int {
    let index = importCount(.function) + functions.count
    functions.append(Function(type: type, locals: locals, code: code))
    if let name { functionNames[index] = name }
    if let export { self.export(export, .function, index) }
    return index
  }

  @discardableResult
  mutating func table(
    _ type: WasmType = .funcref, _ limits: Limits, initial: [WasmInstruction]? = nil, export: String? = nil
  ) -> Int {
    let index = importCount(.table) + tables.count
    var bytes = type.bytes + limits.bytes
    if let initial { bytes = [0x40, 0] + bytes + expression(initial) }
    tables.append(bytes)
    if let export { self.export(export, .table, index) }
    return index
  }

  @discardableResult
  mutating func memory(_ limits: Limits, export: String? = nil) -> Int {
    let index = importCount(.memory) + memories.count
    memories.append(limits)
    if let export { self.export(export, .memory, index) }
    return index
  }

  @discardableResult
  mutating func global(
    _ type: WasmType, isMutable: Bool = false, _ initial: [WasmInstruction], export: String? = nil, name: String? = nil
  ) -> Int {
    let index = importCount(.global) + globals.count
    globals.append((type.bytes + [isMutable ? 1 : 0], initial))
    if let name { globalNames[index] = name }
    if let export { self.export(export, .global, index) }
    return index
  }

  @discardableResult
  mutating func tag(_ parameters: [WasmType], export: String? = nil) -> Int {
    let index = importCount(.tag) + tags.count
    var bytes: [UInt8] = [0]
    bytes.unsigned(type(parameters, []))
    tags.append(bytes)
    if let export { self.export(export, .tag, index) }
    return index
  }

  mutating func export(_ name: String, _ kind: Kind, _ index: Int) { exports.append((name, kind, index)) }

  /// Adds an element segment of functions; the field `memory` of an active placement is the table.
  @discardableResult
  mutating func element(_ placement: Placement, functions: [Int]) -> Int {
    var bytes: [UInt8] = []
    switch placement {
    case .active(let offset, 0): bytes += [0] + expression(offset)
    case .active(let offset, let table):
      bytes.append(2)
      bytes.unsigned(table)
      bytes += expression(offset) + [0]
    case .passive: bytes += [1, 0]
    case .declarative: bytes += [3, 0]
    }
    bytes.list(functions) { $0.unsigned($1) }
    elements.append(bytes)
    return elements.count - 1
  }

  /// Adds an element segment of constant expressions.
  @discardableResult
  mutating func element(_ placement: Placement, _ type: WasmType, _ expressions: [[WasmInstruction]]) -> Int {
    var bytes: [UInt8] = []
    switch placement {
    case .active(let offset, 0) where type == .funcref: bytes += [4] + expression(offset)
    case .active(let offset, let table):
      bytes.append(6)
      bytes.unsigned(table)
      bytes += expression(offset) + type.bytes
    case .passive: bytes += [5] + type.bytes
    case .declarative: bytes += [7] + type.bytes
    }
    bytes.list(expressions) { $0 += expression($1) }
    elements.append(bytes)
    return elements.count - 1
  }

  @discardableResult
  mutating func data(_ placement: Placement, _ bytes: [UInt8]) -> Int {
    segments.append(Data(placement: placement, bytes: bytes))
    return segments.count - 1
  }

  mutating func custom(_ name: String, _ bytes: [UInt8]) { customs.append(Custom(name: name, bytes: bytes)) }

  // MARK: Bytes

  /// The finished file.
  var bytes: [UInt8] {
    var out: [UInt8] = Array("\0asm".utf8) + [1, 0, 0, 0]
    var sectionCount = 0
    var relocations: [[UInt8]] = []
    func section(_ identifier: UInt8, _ content: [UInt8], _ entries: [Entry] = []) {
      out.append(identifier)
      out.sized(content)
      if !entries.isEmpty {
        relocations.append(Self.relocationSection(identifier, content, of: sectionCount, entries))
      }
      sectionCount += 1
    }
    func vector<Elements: Collection>(
      _ identifier: UInt8, _ elements: Elements, _ write: (inout [UInt8], Elements.Element) -> Void
    ) {
      guard !elements.isEmpty else { return }
      var content: [UInt8] = []
      content.list(elements, write)
      section(identifier, content)
    }

    for (identifier, content) in leading { section(identifier, content) }
    if let dylink { section(0, dylink.section) }
    vector(1, types) { $0 += $1 }
    vector(2, imports) {
      $0.name($1.module)
      $0.name($1.name)
      $0.append($1.kind.rawValue)
      $0 += $1.description
    }
    vector(3, functions) { $0.unsigned($1.type) }
    vector(4, tables) { $0 += $1 }
    vector(5, memories) { $0 += $1.bytes }
    vector(13, tags) { $0 += $1 }
    vector(6, globals) { $0 += $1.type + expression($1.initial) }
    vector(7, exports) {
      $0.name($1.name)
      $0.append($1.kind.rawValue)
      $0.unsigned($1.index)
    }
    if let start {
      var content: [UInt8] = []
      content.unsigned(start)
      section(8, content)
    }
    vector(9, elements) { $0 += $1 }
    let isPassive = segments.contains { if case .active = $0.placement { false } else { true } }
    if hasDataCount ?? isPassive {
      var content: [UInt8] = []
      content.unsigned(segments.count)
      section(12, content)
    }
    if !functions.isEmpty {
      let (content, entries) = codeSection()
      section(10, content, entries)
    }
    if !segments.isEmpty {
      let (content, entries) = dataSection()
      section(11, content, entries)
    }
    // Sections that relocations and symbols name come before the linking section, as compilers write them.
    let firstCustom = sectionCount
    func isLast(_ custom: Custom) -> Bool { ["producers", "target_features"].contains(custom.name) }
    for custom in customs where !isLast(custom) {
      var content: [UInt8] = []
      content.name(custom.name)
      let base = content.count
      var patched = custom.bytes
      for relocation in custom.relocations { write(relocation, &patched) }
      content += patched
      section(0, content, custom.relocations.map { Entry($0, at: base) }.map { $0.rebased(-base) })
    }
    if let linking { section(0, linking.section(self, firstCustomSection: firstCustom)) }
    for content in relocations { section(0, content) }
    if let content = nameSection { section(0, content) }
    for custom in customs where isLast(custom) {
      var content: [UInt8] = []
      content.name(custom.name)
      section(0, content + custom.bytes)
    }
    return out
  }

  /// A constant expression with its `end`.
  func expression(_ code: [WasmInstruction]) -> [UInt8] {
    var bytes: [UInt8] = []
    for instruction in code {
      for part in instruction.parts {
        switch part {
        case .bytes(let more): bytes += more
        case .index(let index): bytes.unsigned(index)
        case .relocated: preconditionFailure("a relocation in a constant expression")
        }
      }
    }
    return bytes + [0x0B]
  }

  private func codeSection() -> ([UInt8], [Entry]) {
    var content: [UInt8] = []
    content.unsigned(functions.count)
    var entries: [Entry] = []
    for function in functions {
      var body: [UInt8] = []
      var own: [Entry] = []
      // One group of locals each: short, and as valid as joined groups.
      body.list(function.locals) { $0 += [1] + $1.bytes }
      for instruction in function.code {
        for part in instruction.parts {
          switch part {
          case .bytes(let more): body += more
          case .index(let index): body.unsigned(index, width: padsOperands ? 5 : 0)
          case .relocated(let type, let target, let addend):
            own.append(Entry(type: type, offset: body.count, target: target, addend: addend))
            let value = existingValue(type, target, addend)
            if type.isSigned {
              body.signed(value, width: type.width)
            } else {
              body.unsigned(UInt64(bitPattern: value) & (type.width == 5 ? 0xFFFF_FFFF : .max), width: type.width)
            }
          }
        }
      }
      body.append(0x0B)
      content.unsigned(body.count)
      entries += own.map { $0.rebased(content.count) }
      content += body
    }
    return (content, entries)
  }

  private func dataSection() -> ([UInt8], [Entry]) {
    var content: [UInt8] = []
    content.unsigned(segments.count)
    var entries: [Entry] = []
    for segment in segments {
      switch segment.placement {
      case .active(let offset, 0): content += [0] + expression(offset)
      case .active(let offset, let memory):
        content.append(2)
        content.unsigned(memory)
        content += expression(offset)
      default: content.append(1)
      }
      content.unsigned(segment.bytes.count)
      entries += segment.relocations.map { Entry($0, at: content.count) }
      var patched = segment.bytes
      for relocation in segment.relocations { write(relocation, &patched) }
      content += patched
    }
    return (content, entries)
  }

  private var nameSection: [UInt8]? {
    var content: [UInt8] = []
    content.name("name")
    let header = content.count
    func part(_ kind: UInt8, _ names: [Int: String]) {
      guard !names.isEmpty else { return }
      var bytes: [UInt8] = []
      bytes.list(names.sorted { $0.key < $1.key }) {
        $0.unsigned($1.key)
        $0.name($1.value)
      }
      content.append(kind)
      content.sized(bytes)
    }
    if let moduleName {
      var bytes: [UInt8] = []
      bytes.name(moduleName)
      content.append(0)
      content.sized(bytes)
    }
    part(1, functionNames)
    if !localNames.isEmpty {
      var bytes: [UInt8] = []
      bytes.list(localNames.sorted { $0.key < $1.key }) {
        $0.unsigned($1.key)
        $0.list($1.value.sorted { $0.key < $1.key }) {
          $0.unsigned($1.key)
          $0.name($1.value)
        }
      }
      content.append(2)
      content.sized(bytes)
    }
    part(5, tableNames)
    part(6, memoryNames)
    part(7, globalNames)
    part(9, dataNames)
    return content.count > header ? content : nil
  }
}

/// Limits of a memory, in pages, or of a table, in elements.
struct Limits: Sendable, Equatable {
  var minimum: UInt64
  var maximum: UInt64?
  var isShared = false
  var is64 = false
  /// Log2 of the page size of a memory that does not have the usual one.
  var pageSize: Int?

  init(_ minimum: UInt64, _ maximum: UInt64? = nil, shared: Bool = false, is64: Bool = false, pageSize: Int? = nil) {
    self.minimum = minimum
    self.maximum = maximum
    isShared = shared
    self.is64 = is64
    self.pageSize = pageSize
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = [
      (maximum == nil ? 0 : 1) | (isShared ? 2 : 0) | (is64 ? 4 : 0) | (pageSize == nil ? 0 : 8)
    ]
    bytes.unsigned(minimum)
    if let maximum { bytes.unsigned(maximum) }
    if let pageSize { bytes.unsigned(pageSize) }
    return bytes
  }
}

/// The section `dylink.0` (tool-conventions, DynamicLinking.md), or the older `dylink`.
struct Dylink: Sendable {
  var memorySize: UInt64 = 0
  /// Log2.
  var memoryAlignment = 0
  var tableSize = 0
  /// Log2.
  var tableAlignment = 0
  var hasMemoryInformation = true
  var needed: [String] = []
  /// Flags as in a symbol table: 1 weak, 0x100 thread-local.
  var exports: [(name: String, flags: Int)] = []
  var imports: [(module: String, name: String, flags: Int)] = []
  var runtimePaths: [String] = []
  /// Whether it is the section of before 2021, which has no subsections.
  var isLegacy = false

  var section: [UInt8] {
    var content: [UInt8] = []
    content.name(isLegacy ? "dylink" : "dylink.0")
    var memory: [UInt8] = []
    memory.unsigned(memorySize)
    for value in [memoryAlignment, tableSize, tableAlignment] { memory.unsigned(value) }
    var libraries: [UInt8] = []
    libraries.list(needed) { $0.name($1) }
    if isLegacy { return content + memory + libraries }
    func part(_ kind: UInt8, _ isPresent: Bool, _ bytes: [UInt8]) {
      guard isPresent else { return }
      content.append(kind)
      content.sized(bytes)
    }
    part(1, hasMemoryInformation, memory)
    part(2, !needed.isEmpty, libraries)
    var flags: [UInt8] = []
    flags.list(exports) {
      $0.name($1.name)
      $0.unsigned($1.flags)
    }
    part(3, !exports.isEmpty, flags)
    flags = []
    flags.list(imports) {
      $0.name($1.module)
      $0.name($1.name)
      $0.unsigned($1.flags)
    }
    part(4, !imports.isEmpty, flags)
    var paths: [UInt8] = []
    paths.list(runtimePaths) { $0.name($1) }
    part(5, !runtimePaths.isEmpty, paths)
    return content
  }
}
