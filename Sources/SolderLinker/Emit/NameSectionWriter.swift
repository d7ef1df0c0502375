import WebAssemblyFormat

/// Writes the name section: what wasm-ld writes for objects (module, functions, globals, data segments), and of
/// finished modules every name they came with.
struct NameSectionWriter {
  let program: Program
  private let parts: DataParts
  private let threads: Threads
  private var indices: IndexPlan { program.indices }
  private var units: [Unit] { program.resolution.units }
  /// Name of each function of the result that a unit defines, as it was, for finished modules.
  private var liftedUnits: [Unit] { program.resolution.inLinkOrder.filter(\.contracts.keepsNames) }

  init(_ program: Program, _ parts: DataParts, _ threads: Threads) {
    self.program = program
    self.parts = parts
    self.threads = threads
  }

  /// The payload behind the section's name, in pieces; none when nothing has a name.
  ///
  /// The names of functions, nearly all of it, stay where the threads wrote them until they are copied into the result.
  func contents() -> [ByteWriter] {
    var writer = ByteWriter()
    let functions = functionNames()
    let globals = globalNames()
    let segments = segmentNames()
    let isExpected =
      program.resolution.inLinkOrder.contains(where: \.contracts.expectsConventions)
      || program.options.contract.isObject
    guard isExpected || functions.count > 0 || globals.count > 0 || segments.count > 0 else { return [] }
    writer.byte(NameSection.Subsection.module.rawValue)
    writer.sized { $0.name(moduleName) }
    var pieces: [ByteWriter] = []
    if functions.count > 0 {
      appendHeader(.function, count: functions.count, size: functions.pieces.reduce(0) { $0 + $1.count }, &writer)
      pieces = [writer] + functions.pieces
      writer = ByteWriter()
    }
    appendNested(.local, by: localNames, &writer)
    appendNested(.label, by: labelNames, &writer)
    append(.type, lifted(.type, outputType), &writer)
    append(
      .table,
      lifted(.table) { unit, index in
        definedOrImported(unit, index, of: unit.tableImports.count + unit.tables.count) {
          $0.symbol(TableIndex(rawValue: index))
        }
      },
      &writer)
    append(
      .memory, lifted(.memory) { program.resolution.memories.indices(in: $0)[checked: Int($1)]?.rawValue }, &writer)
    append(.global, globals, &writer)
    append(
      .element,
      lifted(.element) { unit, index in
        Int(index) < unit.elements.count ? indices.elementIndices[unit.bases.element + index].index?.rawValue : nil
      }, &writer)
    append(.data, segments, &writer)
    appendFields(&writer)
    append(
      .tag,
      lifted(.tag) { unit, index in
        definedOrImported(unit, index, of: unit.tagImports.count + unit.tags.count) {
          $0.symbol(TagIndex(rawValue: index))
        }
      }, &writer)
    return pieces + [writer]
  }

  private var moduleName: String {
    if let name = program.options.soname, !name.isEmpty { return name }
    let path = program.options.outputPath
    return path.split(separator: "/").last.map(String.init) ?? path
  }

  // MARK: Names by index

  /// Names under construction: a count, and the encoded entries.
  private struct NameMap {
    var count = 0
    var entries = ByteWriter()

    mutating func add(_ index: UInt32, _ name: ByteString) {
      count += 1
      entries.u32(index)
      entries.name(name)
    }

    /// The name to show for a symbol's name.
    mutating func add(
      _ index: UInt32, _ name: ByteString, _ display: inout DisplayNames, prefix: ByteString = ByteString("")
    ) {
      count += 1
      entries.u32(index)
      display.withName(of: name) { bytes in
        entries.count(prefix.count + bytes.count)
        entries.raw(prefix.bytes)
        entries.raw(bytes)
      }
    }
  }

  private func append(_ subsection: NameSection.Subsection, _ names: NameMap, _ writer: inout ByteWriter) {
    guard names.count > 0 else { return }
    appendHeader(subsection, count: names.count, size: names.entries.count, &writer)
    writer.raw(names.entries)
  }

  private func appendHeader(
    _ subsection: NameSection.Subsection, count: Int, size: Int, _ writer: inout ByteWriter
  ) {
    writer.byte(subsection.rawValue)
    writer.count(size + LEB128.length(unsigned: UInt64(count)))
    writer.count(count)
  }

  private func functionNames() -> (count: Int, pieces: [ByteWriter]) {
    var names = NameMap()
    var display = DisplayNames(demangles: program.options.demangle)
    for entry in indices.imports where entry.kind == .function {
      names.add(program.index(of: entry.symbol), program.symbol(entry.symbol).name, &display)
    }
    // Most names are those of functions, and many have to be demangled.
    let count = indices.functions.count
    let batch = 512
    let parts = threads.map((count + batch - 1) / batch) { part in
      namesOfFunctions(part * batch..<min((part + 1) * batch, count))
    }
    return (parts.reduce(names.count) { $0 + $1.count }, [names.entries] + parts.map(\.entries))
  }

  /// Names of defined functions, by their positions among them.
  private func namesOfFunctions(_ positions: Range<Int>) -> NameMap {
    var names = NameMap()
    var display = DisplayNames(demangles: program.options.demangle)
    let (references, units) = (program.indices.functions, program.resolution.units)
    let first = (program.indices.importCounts.functions + positions.lowerBound).rawValue
    var (unit, functions) = (units[.own], units[.own].functions)
    var source: [(name: ByteString, keepsNames: Bool)] = []
    source.reserveCapacity(positions.count)
    var size = 0
    for reference in references[positions] {
      if reference.unit != unit.index {
        unit = units[reference.unit]
        functions = unit.functions
      }
      let name = functions[Int(reference.index)].name
      source.append((name, unit.contracts.keepsNames))
      size += name.count + 8
    }
    // Readable names are about as long as mangled ones.
    names.entries = ByteWriter(capacity: size + size / 4)
    for (index, (name, keepsNames)) in zip(first..., source) where !name.isEmpty {
      // A finished module's names are written as they were; an object's are those of its symbols.
      if keepsNames { names.add(index, name) } else { names.add(index, name, &display) }
    }
    return names
  }

  private func globalNames() -> NameMap {
    var names = NameMap()
    var display = DisplayNames(demangles: program.options.demangle)
    for entry in indices.imports where entry.kind == .global {
      names.add(program.index(of: entry.symbol), program.symbol(entry.symbol).name, &display)
    }
    for id in indices.importedAddresses {
      names.add(program.addressGlobal(of: id).rawValue, program.symbol(id).name, &display)
    }
    for (position, reference) in indices.globals.enumerated() {
      let name = units[reference.unit].globals[Int(reference.index)].name
      if !name.isEmpty { names.add((indices.importCounts.globals + position).rawValue, name, &display) }
    }
    for id in indices.addressGlobals {
      let symbol = program.symbol(id)
      let prefix = ByteString(symbol.kind == .function ? "GOT.func.internal." : "GOT.data.internal.")
      names.add(program.addressGlobal(of: id).rawValue, symbol.name, &display, prefix: prefix)
    }
    return names
  }

  private func segmentNames() -> NameMap {
    var names = NameMap()
    var index: UInt32 = 0
    for (segment, ranges) in zip(program.memory.segments, parts.ranges) {
      // If it is divided, the first part has the name.
      if !ranges.isEmpty, !segment.name.isEmpty { names.add(index, segment.name) }
      index += UInt32(ranges.count)
    }
    return names
  }

  // MARK: Names of finished modules

  private func lifted(_ subsection: NameSection.Subsection, _ map: (Unit, UInt32) -> UInt32?) -> NameMap {
    var entries: [(index: UInt32, name: ByteString)] = []
    for unit in liftedUnits {
      for (index, name) in unit.names.names(of: subsection) {
        if let index = map(unit, index) { entries.append((index, name)) }
      }
    }
    var names = NameMap()
    var last: UInt32?
    for entry in entries.sorted(by: { $0.index < $1.index }) where entry.index != last {
      names.add(entry.index, entry.name)
      last = entry.index
    }
    return names
  }

  /// - Parameter count: how many the unit has; names may be of more, which are of nothing.
  private func definedOrImported(
    _ unit: Unit, _ index: UInt32, of count: Int, _ symbol: (LiftedFacts) -> SymbolIndex
  ) -> UInt32? {
    guard Int(index) < count, let lifted = unit.lifted, let id = unit.symbolIDs[checked: symbol(lifted)] else {
      return nil
    }
    return program.values[Int(id)].index?.rawValue
  }

  private func localNames(_ unit: Unit) -> [(index: UInt32, names: [(index: UInt32, name: ByteString)])] {
    unit.names.nestedNames(of: .local)
  }

  private func labelNames(_ unit: Unit) -> [(index: UInt32, names: [(index: UInt32, name: ByteString)])] {
    unit.names.nestedNames(of: .label)
  }

  /// Names inside functions, under the functions' new indices.
  private func appendNested(
    _ subsection: NameSection.Subsection,
    by names: (Unit) -> [(index: UInt32, names: [(index: UInt32, name: ByteString)])], _ writer: inout ByteWriter
  ) {
    var entries: [(index: UInt32, names: [(index: UInt32, name: ByteString)])] = []
    for unit in liftedUnits {
      for (function, names) in names(unit) {
        let defined = Int(function) - unit.functionImports.count
        guard defined >= 0, defined < unit.functions.count,
          !indices.folds.contains(unit.bases.function + defined),
          let index = indices.functionIndices[unit.bases.function + defined].index
        else { continue }
        entries.append((index.rawValue, names))
      }
    }
    appendSorted(subsection, entries, &writer)
  }

  private func appendSorted(
    _ subsection: NameSection.Subsection, _ entries: [(index: UInt32, names: [(index: UInt32, name: ByteString)])],
    _ writer: inout ByteWriter
  ) {
    guard !entries.isEmpty else { return }
    writer.byte(subsection.rawValue)
    writer.sized { writer in
      writer.count(entries.count)
      for entry in entries.sorted(by: { $0.index < $1.index }) {
        writer.u32(entry.index)
        writer.count(entry.names.count)
        for (index, name) in entry.names {
          writer.u32(index)
          writer.name(name)
        }
      }
    }
  }

  private func outputType(_ unit: Unit, _ index: UInt32) -> UInt32? {
    unit.typeIDs[checked: TypeIndex(rawValue: index)].flatMap { indices.types.index(of: $0) }
  }

  /// Names of the fields of types; of equal types in several modules the first one's names count.
  private func appendFields(_ writer: inout ByteWriter) {
    var seen: Set<UInt32> = []
    var fields: [(index: UInt32, names: [(index: UInt32, name: ByteString)])] = []
    for unit in liftedUnits {
      for (type, names) in unit.names.nestedNames(of: .field) {
        if let index = outputType(unit, type), seen.insert(index).inserted { fields.append((index, names)) }
      }
    }
    appendSorted(.field, fields, &writer)
  }
}
