import WebAssemblyFormat

// The contents of the small sections (WebAssembly specification, Binary Format, Modules). Each function returns the
// payload, empty when the section is not needed.
struct SectionWriter {
  let program: Program
  let encoder: OperandEncoder
  private let constants: ConstantGlobals
  private var indices: IndexPlan { program.indices }
  private var units: [Unit] { program.resolution.units }

  init(_ program: Program, _ encoder: OperandEncoder) {
    self.program = program
    self.encoder = encoder
    constants = ConstantGlobals(program)
  }

  func types() -> ByteWriter {
    var writer = ByteWriter()
    if !indices.types.isEmpty { indices.types.write(to: &writer, of: program.resolution.types) }
    return writer
  }

  // MARK: Imports

  func imports() -> ByteWriter {
    var writer = ByteWriter()
    let memories = program.resolution.memories
    let count = indices.imports.count + indices.importedAddresses.count + memories.importCount
    guard count > 0 else { return writer }
    writer.count(count)
    for (memory, limits) in zip(memories.memories, program.memory.limits) {
      guard let name = memory.hostName else { continue }
      writer.name(name.module)
      writer.name(name.name)
      writer.byte(ExternalKind.memory.rawValue)
      write(limits, &writer)
    }
    for entry in indices.imports { write(entry, &writer) }
    for id in indices.importedAddresses {
      let symbol = program.symbol(id)
      writer.name(symbol.kind == .data ? "GOT.mem" : "GOT.func")
      writer.name(symbol.name)
      writer.raw([ExternalKind.global.rawValue, program.is64 ? 0x7E : 0x7F, 0x01])
    }
    return writer
  }

  private func write(_ entry: OutputImport, _ writer: inout ByteWriter) {
    writer.name(entry.module)
    writer.name(entry.name)
    let symbol = program.symbol(entry.symbol)
    writer.byte(symbol.has(.exactType) ? ModuleReader.exactFunction : entry.kind.rawValue)
    switch entry.kind {
    case .function: writer.u32(program.index(of: symbol.type))
    case .tag:
      writer.byte(0)
      writer.u32(program.index(of: symbol.type))
    case .global:
      guard let (unit, declared) = program.globalImport(of: entry.symbol) else {
        return program.errors.report("import '\(entry.name)' is no unit's")
      }
      writeType(declared.declaration, code: declared.global.valueType, of: unit, &writer)
      writer.byte(declared.global.flags)
    case .table:
      let isFunctionTable = entry.symbol == program.indices.functionTableSymbol
      if let unit = units[symbol.unit], let index = symbol.imported {
        let declared = unit.tableImports[Int(index)]
        writeType(declared.declaration, code: declared.elementType, of: unit, &writer)
        if !isFunctionTable { return write(declared.limits, &writer) }
      } else {
        writer.byte(0x70)
      }
      write(indices.tableLimits, &writer)
    case .memory: break
    }
  }

  // MARK: Declarations

  func functions() -> ByteWriter {
    var writer = ByteWriter(capacity: indices.functions.count + 8)
    guard !indices.functions.isEmpty else { return writer }
    writer.count(indices.functions.count)
    let (units, types) = (program.resolution.units, program.indices.types)
    var unit = units[.own]
    var (functions, typeIDs) = (unit.functions, unit.typeIDs)
    for reference in program.indices.functions {
      if reference.unit != unit.index {
        unit = units[reference.unit]
        (functions, typeIDs) = (unit.functions, unit.typeIDs)
      }
      let type = functions[Int(reference.index)].type
      writer.u32(types.index(of: typeIDs[type]) ?? program.index(ofType: type, of: unit))
    }
    return writer
  }

  func tables() -> ByteWriter {
    var writer = ByteWriter()
    guard !indices.tables.isEmpty else { return writer }
    writer.count(indices.tables.count)
    for (position, reference) in indices.tables.enumerated() {
      let unit = units[reference.unit]
      let table = unit.tables[Int(reference.index)]
      if table.initializer != nil { writer.raw([0x40, 0x00]) }
      writeType(table.declaration, code: table.elementType, of: unit, &writer)
      let isFunctionTable = indices.functionTable == indices.importCounts.tables + position
      write(isFunctionTable ? indices.tableLimits : table.limits, &writer)
      if let initializer = table.initializer { append(expression: initializer, of: unit, to: &writer) }
    }
    return writer
  }

  func memories() -> ByteWriter {
    var writer = ByteWriter()
    let limits = program.memory.limits.dropFirst(program.resolution.memories.importCount)
    guard !limits.isEmpty else { return writer }
    writer.count(limits.count)
    for limits in limits { write(limits, &writer) }
    return writer
  }

  func tags() -> ByteWriter {
    var writer = ByteWriter()
    guard !indices.tags.isEmpty else { return writer }
    writer.count(indices.tags.count)
    for reference in indices.tags {
      let unit = units[reference.unit]
      writer.byte(0)
      writer.u32(program.index(ofType: unit.tags[Int(reference.index)].type, of: unit))
    }
    return writer
  }

  // MARK: Globals

  func globals() -> ByteWriter {
    var writer = ByteWriter()
    let count = indices.globals.count + indices.addressGlobals.count + indices.exportedAddresses.count
    guard count > 0 else { return writer }
    writer.count(count)
    for reference in indices.globals { write(units[reference.unit], Int(reference.index), &writer) }
    let pointer: UInt8 = program.is64 ? 0x7E : 0x7F
    for id in indices.addressGlobals { writeAddressGlobal(id, pointer, &writer) }
    for id in indices.exportedAddresses {
      writer.raw([pointer, 0])
      writer.pointerConstant(program.address(of: id), is64: program.is64)
      writer.byte(0x0B)
    }
    return writer
  }

  private func write(_ unit: Unit, _ index: Int, _ writer: inout ByteWriter) {
    let global = unit.globals[index]
    writeType(global.declaration, code: global.type.valueType, of: unit, &writer)
    writer.byte(global.type.flags)
    guard let value = program.decidedValue(ofGlobal: index, of: unit) else {
      return append(expression: global.initializer, of: unit, to: &writer)
    }
    writer.zeroOrPointer(value, type: global.type.valueType)
    writer.byte(0x0B)
  }

  private func writeAddressGlobal(_ id: SymbolID, _ pointer: UInt8, _ writer: inout ByteWriter) {
    let symbol = program.symbol(id)
    let isPIC = program.options.isPositionIndependent
    let isStub = symbol.has(.isStub)
    let isMutable =
      program.resolution.isInLibraryBlock(symbol)
      || !isStub
        && (!program.features.hasExtendedConst && isPIC && !symbol.isTLS
          || program.options.sharedMemory && symbol.isTLS)
    writer.raw([pointer, isMutable ? 1 : 0])
    let isFunction = symbol.kind == .function
    // What is missing is null, also where it had a slot before something called it.
    let value = !isFunction ? program.fixedAddress(of: id) : isStub ? 0 : UInt64(program.slot(of: id))
    let known = program.resolution.wellKnown
    let base =
      isFunction ? (isStub ? nil : known.tableBase) : symbol.isDefined && !symbol.isTLS ? known.memoryBase : nil
    if program.features.hasExtendedConst, isPIC, let base {
      writer.byte(0x23)
      writer.u32(program.index(of: base))
      if value != 0 {
        writer.pointerConstant(value, is64: program.is64)
        writer.byte(program.is64 ? 0x7C : 0x6A)
      }
    } else {
      writer.pointerConstant(value, is64: program.is64)
    }
    writer.byte(0x0B)
  }

  func exports() -> ByteWriter {
    var writer = ByteWriter()
    guard !indices.exports.isEmpty else { return writer }
    writer.count(indices.exports.count)
    for entry in indices.exports {
      writer.name(entry.name)
      writer.byte(entry.index.kind.rawValue)
      writer.u32(entry.index.rawValue)
    }
    return writer
  }

  func start() -> ByteWriter {
    var writer = ByteWriter()
    if let id = indices.startFunction { writer.u32(program.index(of: id)) }
    return writer
  }

  // MARK: Elements

  func elements() -> ByteWriter {
    var writer = ByteWriter()
    let runs = indices.slotRuns
    let count = runs.count + indices.keptElements.count + (indices.declaredFunctions.isEmpty ? 0 : 1)
    guard count > 0 else { return writer }
    writer.count(count)
    for run in runs { write(run, &writer) }
    for reference in indices.keptElements {
      let unit = units[reference.unit]
      let isLate = indices.start.segments.lateElements.contains(unit.bases.element + reference.index)
      write(unit.elements[Int(reference.index)], of: unit, isLate: isLate, &writer)
    }
    if !indices.declaredFunctions.isEmpty {
      writer.raw([0x03, 0x00])
      writer.count(indices.declaredFunctions.count)
      for id in indices.declaredFunctions { writer.u32(program.index(of: id)) }
    }
    return writer
  }

  private func write(_ run: Range<Int>, _ writer: inout ByteWriter) {
    let table = program.functionTable.rawValue
    writer.u32(table == 0 ? 0 : 2)
    if table != 0 { writer.u32(table) }
    if program.options.isPositionIndependent, let base = program.resolution.wellKnown.tableBase {
      writer.byte(0x23)
      writer.u32(program.index(of: base))
    } else {
      writer.pointerConstant(
        UInt64(indices.firstSlot.rawValue) + UInt64(run.lowerBound), is64: indices.tableLimits.is64)
    }
    writer.byte(0x0B)
    if table != 0 { writer.byte(0) }
    writer.count(run.count)
    for case let id? in indices.slots[run].map(\.index) { writer.u32(program.index(of: id)) }
  }

  private func write(_ element: ElementSegment, of unit: Unit, isLate: Bool, _ writer: inout ByteWriter) {
    if case .block = element.placement {
      // Its functions have their slots elsewhere; to code, an active segment is empty once the module is instantiated.
      writer.raw([0x01, 0x00, 0x00])
      return
    }
    let isActive = element.table != nil && !isLate
    var table: UInt32 = 0
    if isActive, let facts = unit.lifted, let index = element.table {
      table = program.index(of: unit.symbolIDs[facts.symbol(index)])
    }
    let namesTable = isActive && (table != 0 || element.elementType != nil)
    var flags: UInt32 = element.hasExpressions ? 4 : 0
    if isActive { flags |= namesTable ? 2 : 0 } else { flags |= element.isDeclarative ? 3 : 1 }
    writer.u32(flags)
    if isActive {
      if namesTable { writer.u32(table) }
      if let offset = element.offset { append(expression: offset, of: unit, to: &writer) }
    }
    if flags & 3 != 0 {
      if let type = element.elementType {
        append(type, of: unit, to: &writer)
      } else {
        writer.byte(element.hasExpressions ? 0x70 : 0x00)
      }
    }
    writer.u32(element.count)
    append(expression: element.items, of: unit, to: &writer)
  }

  // MARK: Parts

  /// Appends a constant expression, or several of them, with constants in place of globals that hold them.
  func append(expression: Fragment, of unit: Unit, to writer: inout ByteWriter) {
    var rest = expression
    for index in expression.relocations.indices {
      let edit = unit.relocations[index]
      guard let constant = constants.value(of: edit, in: unit) else { continue }
      var before = rest
      before.size = edit.offset - rest.start
      before.relocations = RelocationRange(start: rest.relocations.start, end: UInt32(index))
      append(before, of: unit, to: &writer)
      switch constant {
      case .number(let value, let is64): writer.pointerConstant(value, is64: is64)
      case .expression(let expression, let owner, _): append(expression: expression, of: owner, to: &writer)
      }
      let end = edit.offset + UInt32(edit.width)
      rest.size -= end - rest.start
      rest.start = end
      rest.relocations = RelocationRange(start: UInt32(index) + 1, end: rest.relocations.end)
    }
    append(rest, of: unit, to: &writer)
  }

  func append(_ fragment: Fragment, of unit: Unit, to writer: inout ByteWriter) {
    let patcher = Patcher(unit, encoder)
    let size = Int(fragment.size) + patcher.growth(of: fragment.relocations, length: .asWritten).bytes
    let isComplete = writer.raw(count: size) { room in
      var fragmentWriter = FragmentWriter(room)
      fragmentWriter.write(fragment, patcher, length: .asWritten)
      return fragmentWriter.isComplete
    }
    if !isComplete {
      program.errors.report(
        "\(unit.file.displayName): the expression at \(fragment.start) is not as long as was measured")
    }
  }

  private func writeType(_ declaration: Fragment, code: UInt8, of unit: Unit, _ writer: inout ByteWriter) {
    if declaration.size == 0 { writer.byte(code) } else { append(declaration, of: unit, to: &writer) }
  }

  private func write(_ limits: Limits, _ writer: inout ByteWriter) {
    var flags: UInt8 = limits.maximum == nil ? 0 : 1
    if limits.isShared { flags |= 2 }
    if limits.is64 { flags |= 4 }
    if limits.pageSizeLog2 != nil { flags |= 8 }
    writer.byte(flags)
    writer.u64(limits.minimum)
    if let maximum = limits.maximum { writer.u64(maximum) }
    if let page = limits.pageSizeLog2 { writer.u32(page) }
  }
}

extension ByteWriter {
  /// `i32.const` or `i64.const` of an address.
  mutating func pointerConstant(_ value: UInt64, is64: Bool) {
    byte(is64 ? 0x42 : 0x41)
    s64(is64 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value)))
  }

  /// A constant of a number type: the value for integers, zero for the others.
  mutating func zeroOrPointer(_ value: UInt64, type: UInt8) {
    switch type {
    case 0x7D: raw([0x43, 0, 0, 0, 0])
    case 0x7C: raw([0x44, 0, 0, 0, 0, 0, 0, 0, 0])
    case 0x7B: raw([0xFD, 0x0C] + [UInt8](repeating: 0, count: 16))
    default: pointerConstant(value, is64: type == 0x7E)
    }
  }
}

extension Program {
  /// The initial value of a global that the link decides, and not the unit's own expression.
  func decidedValue(ofGlobal index: Int, of unit: Unit) -> UInt64? {
    if unit.index == .own { return linkerGlobalValue(index) }
    return memory.decidedAddresses[unit.bases.global + index]
  }

  /// The initial value of one of the linker's own globals.
  private func linkerGlobalValue(_ index: Int) -> UInt64 {
    let known = resolution.wellKnown
    func isGlobal(_ id: SymbolID?) -> Bool {
      guard let id, symbol(id).isDefined, symbol(id).unit == .own, symbol(id).kind == .global else { return false }
      return symbol(id).globalID - resolution.units[.own].bases.global == index
    }
    if isGlobal(known.stackPointer) { return memory.stackPointer }
    if isGlobal(known.tlsBase) { return options.sharedMemory ? 0 : memory.tlsAddress }
    if isGlobal(known.tlsSize) { return memory.tlsSize }
    if isGlobal(known.tlsAlign) { return memory.tlsAlignment }
    // All others are set at run time.
    return 0
  }
}
