import CPlatform
import WebAssemblyFormat

/// Reads the sections of a module into a ``ModuleDraft``: everything that objects, shared libraries and plain modules share
/// (WebAssembly specification, Binary Format, Modules).
///
/// Nothing is copied: fragments and names point into the file. In an object, operands inside code are left to its
/// relocation sections. In a finished module the operands of declarations and constant expressions are collected here
/// as relocations with the raw index as target; those of function bodies are left to the lifter, which goes through
/// them in parallel.
struct ModuleReader {
  private let unit: ModuleDraft
  private var functionTypes: [TypeIndex] = []
  // What becomes the unit's: kept here meanwhile, since reaching into an object costs a check each time.
  private var typeCount = 0
  private var functionImports: [FunctionImport] = []
  private var segments: [Segment] = []
  private var operands: OperandCollector

  init(_ unit: ModuleDraft) {
    self.unit = unit
    operands = OperandCollector(isWanted: unit.isLifted)
  }

  /// Reads the whole file, but for the bodies of a plain module, which are left to ``findBodies(in:)``.
  ///
  /// - Throws: ``FormatError`` with the offset of what is damaged.
  mutating func read() throws(FormatError) {
    defer {
      unit.functionImports = functionImports
      unit.segments = segments
      unit.relocations = operands.relocations
    }
    var sections = try SectionReader(unit.file.bytes)
    while let section = try sections.next() {
      do {
        try read(section)
      } catch {
        let name = section.id == .custom ? "custom section '\(section.name)'" : "\(section.id) section"
        throw FormatError("\(name): \(error.message)", at: error.offset)
      }
    }
    guard functionTypes.count == unit.functions.count else {
      throw FormatError(
        "\(functionTypes.count) functions are declared but \(unit.functions.count) have a body",
        at: unit.code?.payload.offset ?? unit.file.bytes.end)
    }
  }

  private mutating func read(_ section: Section) throws(FormatError) {
    var reader = section.payload
    switch section.id {
    case .custom:
      try readCustom(section)
      return
    case .type:
      unit.types = try ParsedTypes(section: &reader)
      typeCount = unit.types.count
    case .import: try readImports(&reader)
    case .function: try readFunctions(&reader)
    case .table: try readTables(&reader)
    case .memory: try readMemories(&reader)
    case .global: try readGlobals(&reader)
    case .export: try readExports(&reader)
    case .start: unit.startFunction = try functionIndex(&reader)
    case .element: try readElements(&reader)
    case .code:
      unit.code = section
      try readCode(&reader)
    case .data:
      unit.dataSectionIndex = UInt32(section.index)
      unit.dataPayloadOffset = reader.offset
      try readData(&reader)
    case .dataCount:
      _ = try reader.u32()
      unit.hasDataCount = true
    case .tag: try readTags(&reader)
    }
    guard reader.isAtEnd else {
      throw FormatError("\(reader.remaining) bytes too many", at: reader.offset)
    }
  }

  /// Of these sections there is one, since they speak of the whole file.
  private func checkSecond(_ section: Section) throws(FormatError) {
    let isSecond =
      switch unit.origin {
      case .object: section.name == "linking" && unit.customSections.contains { $0.name == section.name }
      case .sharedLibrary, .neededLibrary:
        (section.name == "dylink.0" || section.name == "dylink") && unit.dylink != nil
      default: false
      }
    if isSecond { throw FormatError("second section of that name", at: section.payload.offset) }
  }

  private func readCustom(_ section: Section) throws(FormatError) {
    try checkSecond(section)
    if section.name == "name" {
      unit.names = NameSection(section.payload)
      if unit.isLifted { return }
    } else if section.name == "producers" {
      unit.producers = section.payload
    } else if section.name == "target_features" {
      unit.features = try TargetFeature.read(section.payload)
    } else if unit.origin == .sharedLibrary, section.name == "dylink.0" {
      unit.dylink = try DylinkSection(section.payload)
      return
    } else if unit.origin == .sharedLibrary, section.name == "dylink" {
      unit.dylink = try DylinkSection(legacy: section.payload)
      return
    } else if unit.origin == .object, section.name.hasPrefix("reloc.") {
      unit.relocationSections.append(section.payload)
    }
    unit.customSections.append(
      CustomSection(name: section.name, content: section.payload, index: UInt32(section.index)))
  }

  // MARK: Imports and exports

  /// Kind of an import of a function of that very type (custom descriptors).
  static let exactFunction: UInt8 = 0x20

  private mutating func readImports(_ reader: inout ByteReader) throws(FormatError) {
    let count = try reader.count(minimumSize: 4)
    functionImports.reserveCapacity(functionImports.count + count)
    for _ in 0..<count {
      let module = try reader.name()
      let name = try reader.name()
      // An import without a name, of a kind that is none, begins several of one module (compact import section).
      switch name.isEmpty ? reader.peek() : nil {
      case 0x7F:
        reader.offset += 1
        for _ in 0..<(try reader.count(minimumSize: 3)) {
          let name = try reader.name()
          add(try importType(&reader), module, name)
        }
      case 0x7E:
        reader.offset += 1
        // One type for all of them.
        let type = try importType(&reader)
        for _ in 0..<(try reader.count()) { add(type, module, try reader.name()) }
      default: add(try importType(&reader), module, name)
      }
    }
  }

  /// What an import is, beside its names.
  private enum ImportType {
    case function(TypeIndex, isExact: Bool)
    case other(Import)
  }

  private mutating func importType(_ reader: inout ByteReader) throws(FormatError) -> ImportType {
    let at = reader.offset
    let code = try reader.byte()
    if code == ModuleReader.exactFunction { return .function(try typeIndex(&reader), isExact: true) }
    guard let kind = ExternalKind(rawValue: code) else { throw FormatError("unknown kind of import \(code)", at: at) }
    if kind == .function { return .function(try typeIndex(&reader), isExact: false) }
    var entry = Import(module: ByteString(""), name: ByteString(""), kind: kind)
    switch kind {
    case .function: break
    case .table:
      (entry.elementType, entry.declaration) = try valueType(&reader)
      entry.limits = try limits(&reader)
    case .memory: entry.limits = try limits(&reader)
    case .global: (entry.global, entry.declaration) = try globalType(&reader)
    case .tag:
      try reader.skip(1)
      entry.type = try typeIndex(&reader)
    }
    return .other(entry)
  }

  private mutating func add(_ type: ImportType, _ module: ByteString, _ name: ByteString) {
    switch type {
    case .function(let type, let isExact):
      functionImports.append(FunctionImport(module: module, name: name, type: type, isExact: isExact))
    case .other(var entry):
      (entry.module, entry.name) = (module, name)
      switch entry.kind {
      case .function: break
      case .table: unit.tableImports.append(entry)
      case .memory: unit.memoryImports.append(entry)
      case .global: unit.globalImports.append(entry)
      case .tag: unit.tagImports.append(entry)
      }
    }
  }

  private func readExports(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 3)) {
      let name = try reader.name()
      let at = reader.offset
      let code = try reader.byte()
      guard let kind = ExternalKind(rawValue: code) else { throw FormatError("unknown kind of export \(code)", at: at) }
      let index = try reader.u32()
      guard Int(index) < count(of: kind) else {
        throw FormatError("export '\(name)' names an index that does not exist: \(index)", at: at)
      }
      unit.exports.append(Export(name: name, item: UnitIndex(kind, index)))
    }
  }

  /// How many of a kind the sections that come before exports import and declare.
  private func count(of kind: ExternalKind) -> Int {
    switch kind {
    case .function: functionImports.count + functionTypes.count
    case .table: unit.tableImports.count + unit.tables.count
    case .memory: unit.memoryImports.count + unit.memories.count
    case .global: unit.globalImports.count + unit.globals.count
    case .tag: unit.tagImports.count + unit.tags.count
    }
  }

  // MARK: Declarations

  private mutating func readFunctions(_ reader: inout ByteReader) throws(FormatError) {
    let count = try reader.count()
    functionTypes.reserveCapacity(count)
    for _ in 0..<count { functionTypes.append(try typeIndex(&reader)) }
  }

  private mutating func readTables(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 3)) {
      let hasInitializer = reader.peek() == 0x40
      if hasInitializer { try reader.skip(2) }
      let (elementType, declaration) = try valueType(&reader)
      let limits = try limits(&reader)
      let initializer = hasInitializer ? try expression(&reader) : nil
      unit.tables.append(
        Table(
          limits: limits, elementType: elementType, declaration: declaration, initializer: initializer,
          name: ByteString("")))
    }
  }

  private func readMemories(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      unit.memories.append(Memory(limits: try limits(&reader), name: ByteString("")))
    }
  }

  private mutating func readGlobals(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 4)) {
      let (type, declaration) = try globalType(&reader)
      let initializer = try expression(&reader)
      unit.globals.append(
        GlobalVariable(type: type, declaration: declaration, initializer: initializer, name: ByteString("")))
    }
  }

  private func readTags(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      try reader.skip(1)
      unit.tags.append(Tag(type: try typeIndex(&reader), name: ByteString("")))
    }
  }

  // MARK: Contents

  private mutating func readCode(_ reader: inout ByteReader) throws(FormatError) {
    let at = reader.offset
    let count = try reader.count()
    guard count == functionTypes.count else {
      throw FormatError("\(count) bodies for \(functionTypes.count) declared functions", at: at)
    }
    let noName = ByteString("")
    var functions: [Function] = []
    functions.reserveCapacity(count)
    let isDeferred = unit.origin == .plainModule
    var prefetched = reader.offset
    for index in 0..<count {
      let place = isDeferred ? BodyPlace() : try ModuleReader.body(&reader, &prefetched)
      functions.append(
        Function(
          type: functionTypes[index], body: Extent(start: place.body, size: place.size), start: place.start,
          name: noName))
    }
    unit.functions = functions
    if isDeferred { try reader.skip(reader.remaining) }
  }

  /// Where a function's body is.
  struct BodyPlace {
    /// Offset of its size.
    var start: UInt32 = 0
    var body: UInt32 = 0
    var size: UInt32 = 0
  }

  /// Reads a body's size and steps over it.
  ///
  /// Bodies are too far apart for the processor to see which memory comes next, and waiting for that is nearly all that
  /// this takes; so it is told.
  ///
  /// - Parameter prefetched: up to where.
  @inline(__always)
  private static func body(_ reader: inout ByteReader, _ prefetched: inout Int) throws(FormatError) -> BodyPlace {
    while prefetched < min(reader.offset + 4096, reader.end) {
      reader.prefetch(at: prefetched)
      prefetched += 64
    }
    let start = UInt32(reader.offset)
    let body = try reader.slice(Int(try reader.u32()))
    return BodyPlace(start: start, body: UInt32(body.offset), size: UInt32(body.remaining))
  }

  /// Finds the bodies of a plain module.
  ///
  /// Where a body is says the one before it, so this is one thread's work, most of it waiting for memory, which can be
  /// done while another reads the rest of the file.
  ///
  /// - Throws: ``FormatError`` when there are more bytes in the code section than it says, or fewer.
  static func findBodies(in file: ByteReader) throws(FormatError) -> [BodyPlace] {
    var sections = try SectionReader(file)
    while let section = try sections.next() {
      guard section.id == .code else { continue }
      do throws(FormatError) {
        return try bodies(section.payload)
      } catch {
        throw FormatError("\(section.id) section: \(error.message)", at: error.offset)
      }
    }
    return []
  }

  private static func bodies(_ payload: ByteReader) throws(FormatError) -> [BodyPlace] {
    var reader = payload
    let count = try reader.count()
    var places: [BodyPlace] = []
    places.reserveCapacity(count)
    var prefetched = reader.offset
    for _ in 0..<count { places.append(try body(&reader, &prefetched)) }
    guard reader.isAtEnd else { throw FormatError("\(reader.remaining) bytes too many", at: reader.offset) }
    return places
  }

  private mutating func readData(_ reader: inout ByteReader) throws(FormatError) {
    let count = try reader.count(minimumSize: 2)
    let noName = ByteString("")
    segments.reserveCapacity(segments.count + count)
    for _ in 0..<count {
      let at = reader.offset
      let flags = try reader.u32()
      guard flags <= 2 else { throw FormatError("unknown flags \(flags) of a data segment", at: at) }
      let memory = flags == 2 ? try reader.u32() : 0
      let offset = flags == 1 ? nil : try expression(&reader)
      let content = try reader.slice(Int(try reader.u32()))
      segments.append(
        Segment(
          name: noName, size: UInt64(content.remaining), content: content,
          placement: offset.map { .kept(memory: MemoryIndex(rawValue: memory), offset: $0) } ?? .passive))
    }
  }

  private mutating func readElements(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      let at = reader.offset
      let flags = try reader.u32()
      guard flags <= 7 else { throw FormatError("unknown flags \(flags) of an element segment", at: at) }
      let isActive = flags & 1 == 0
      var element = ElementSegment(isDeclarative: flags & 3 == 3)
      if isActive {
        element.table = TableIndex(rawValue: flags & 2 != 0 ? try reader.u32() : 0)
        element.offset = try expression(&reader)
      }
      let hasExpressions = flags & 4 != 0
      if flags & 3 != 0 {
        if hasExpressions {
          element.elementType = try valueType(&reader).fragment
        } else if try reader.byte() != 0 {
          throw FormatError("unknown kind of element segment", at: reader.offset - 1)
        }
      }
      try readItems(&reader, hasExpressions: hasExpressions, into: &element)
      unit.elements.append(element)
    }
  }

  private mutating func readItems(
    _ reader: inout ByteReader, hasExpressions: Bool, into element: inout ElementSegment
  ) throws(FormatError) {
    let count = try reader.count()
    element.count = UInt32(count)
    let start = reader.offset
    let firstRelocation = operands.count
    element.functions.reserveCapacity(count)
    var areFunctions = true
    for _ in 0..<count {
      if hasExpressions {
        let item = try expression(&reader)
        if let function = plainFunction(item) { element.functions.append(function) } else { areFunctions = false }
      } else {
        let at = reader.offset
        let function = try functionIndex(&reader)
        element.functions.append(PackedIndex(function))
        if operands.isWanted {
          operands.relocations.append(
            Relocation(
              .functionIndexLEB, at: UInt32(at), width: UInt8(truncatingIfNeeded: reader.offset - at),
              target: function.rawValue)
          )
        }
      }
    }
    element.hasExpressions = hasExpressions
    if !areFunctions { element.functions = [] }
    element.holdsFunctions = areFunctions
    element.items = Fragment(
      start: UInt32(start), size: UInt32(reader.offset - start),
      relocations: RelocationRange(start: firstRelocation, end: operands.count))
  }

  /// The function of `ref.func f; end`, none for `ref.null t; end`, `nil` for any other expression.
  private func plainFunction(_ expression: Fragment) -> PackedIndex<UnitFunctions>? {
    var reader = unit.file.bytes[Int(expression.start)..<Int(expression.start + expression.size)]
    guard let opcode = try? reader.byte() else { return nil }
    if opcode == 0xD2, let function = try? reader.u32(), reader.remaining == 1 {
      return PackedIndex(FunctionIndex(rawValue: function))
    }
    if opcode == 0xD0, (try? reader.s33()) != nil, reader.remaining == 1 { return PackedIndex.none }
    return nil
  }

  // MARK: Types, limits, expressions

  private func typeIndex(_ reader: inout ByteReader) throws(FormatError) -> TypeIndex {
    let at = reader.offset
    let index = try reader.u32()
    guard Int(index) < typeCount else { throw FormatError("type \(index) does not exist", at: at) }
    return TypeIndex(rawValue: index)
  }

  private func functionIndex(_ reader: inout ByteReader) throws(FormatError) -> FunctionIndex {
    let at = reader.offset
    let index = try reader.u32()
    guard Int(index) < functionImports.count + functionTypes.count else {
      throw FormatError("function \(index) does not exist", at: at)
    }
    return FunctionIndex(rawValue: index)
  }

  private mutating func globalType(_ reader: inout ByteReader) throws(FormatError) -> (GlobalType, Fragment) {
    let (code, fragment) = try valueType(&reader)
    let at = reader.offset
    let mutability = try reader.byte()
    guard mutability <= 3 else { throw FormatError("unknown mutability \(mutability)", at: at) }
    return (GlobalType(valueType: code, isMutable: mutability & 1 != 0, isShared: mutability & 2 != 0), fragment)
  }

  private mutating func valueType(_ reader: inout ByteReader) throws(FormatError) -> (code: UInt8, fragment: Fragment) {
    let start = reader.offset
    let first = operands.count
    try scanValueType(&reader, &operands)
    let fragment = Fragment(
      start: UInt32(start), size: UInt32(reader.offset - start),
      relocations: RelocationRange(start: first, end: operands.count))
    return (reader[start], fragment)
  }

  private mutating func expression(_ reader: inout ByteReader) throws(FormatError) -> Fragment {
    let start = reader.offset
    let first = operands.count
    if !skipConstant(&reader) { try scanConstantExpression(&reader, &operands) }
    guard reader.offset > start + 1 else { throw FormatError("a constant expression has no value", at: start) }
    return Fragment(
      start: UInt32(start), size: UInt32(reader.offset - start),
      relocations: RelocationRange(start: first, end: operands.count))
  }

  /// Steps over `i32.const n; end` with a short `n`, which nearly every segment of an object begins with, or leaves the
  /// reader where it is.
  private func skipConstant(_ reader: inout ByteReader) -> Bool {
    guard reader.remaining >= 8, reader[reader.offset] == 0x41 else { return false }
    var next = reader.offset + 1
    let last = next + 3
    while reader[next] >= 0x80, next < last { next += 1 }
    guard reader[next] < 0x80, reader[next + 1] == 0x0B else { return false }
    reader.offset = next + 2
    return true
  }

  private func limits(_ reader: inout ByteReader) throws(FormatError) -> Limits {
    let at = reader.offset
    let flags = try reader.byte()
    guard flags < 16 else { throw FormatError("unknown flags \(flags) of limits", at: at) }
    var limits = Limits(minimum: try reader.u64())
    if flags & 1 != 0 { limits.maximum = try reader.u64() }
    limits.isShared = flags & 2 != 0
    limits.is64 = flags & 4 != 0
    if flags & 8 != 0 {
      let at = reader.offset
      let size = try reader.u32()
      guard size == 0 || size == 16 else { throw FormatError("a page size of 2^\(size) bytes is not possible", at: at) }
      limits.pageSizeLog2 = size
    }
    return limits
  }
}
