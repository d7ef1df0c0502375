import SizeReport
import WebAssemblyFormat

/// Divides the result, byte for byte, into functions, data, custom sections and what is between them, each with the reason why
/// it is there (`--size-report`, `--why-live`).
///
/// Lifted units are divided as far as names tell: a library's data is one block, of which exports and the name section name
/// places.
struct SizeReportBuilder {
  private let program: Program
  private let layout: ImageLayout
  private let code: CodePlan
  private let places: SymbolPlaces
  private let reasons: LiveReasons
  private let custom: CustomPlan
  private(set) var report: SizeReport
  private var unitNumbers: [UnitID: Int] = [:]
  /// The item of each definition, the first one where it was divided.
  private var itemNumbers: [MarkedIndex: Int] = [:]
  /// The definition of each item that has one.
  private var definitions: [Int: MarkedIndex] = [:]

  init(_ program: Program, _ layout: ImageLayout, _ code: CodePlan, _ custom: CustomPlan) {
    self.program = program
    self.custom = custom
    self.layout = layout
    self.code = code
    places = SymbolPlaces(program)
    reasons = LiveReasons(program.resolution, program.live, program.options)
    report = SizeReport(output: program.options.outputPath, linker: program.options.linkerName)
    addUnits()
    addSections()
    addFunctions()
    addData()
    addDeclarations()
    addCustomSections()
    report.addStructure()
    addReasons()
    addDropped()
  }

  private func displayName(_ name: ByteString) -> String { program.options.displayName(of: name) }

  private mutating func addUnits() {
    for unit in program.resolution.inLinkOrder {
      unitNumbers[unit.index] = report.units.count
      report.units.append(SizeReport.Input(file: unit.file.path, member: unit.file.member))
    }
  }

  private mutating func addSections() {
    report.size = layout.sections.last.map { $0.offset + $0.size } ?? 8
    // The first eight bytes say that it is a module.
    report.sections.append(SizeReport.Section(name: "module", size: 8))
    for section in layout.sections {
      let name = section.id == .custom ? "custom \(section.name)" : section.id.conventionalName.lowercased()
      report.sections.append(SizeReport.Section(name: name, size: section.size))
    }
  }

  /// The number that the report has for a section of the layout.
  private func number(ofSection index: UInt32?) -> Int? { index.map { Int($0) + 1 } }

  private mutating func add(
    _ kind: SizeReport.Kind, _ name: ByteString?, _ fallback: String, of unit: UnitID, _ definition: MarkedIndex?,
    section: Int?, size: UInt64 = 0, memory: UInt64 = 0
  ) {
    let isNamed = name.map { !$0.isEmpty } ?? false
    let shown = isNamed ? name.map(displayName) ?? fallback : fallback
    let symbol = isNamed ? name?.description : nil
    if let definition, itemNumbers[definition] == nil { itemNumbers[definition] = report.items.count }
    if let definition { definitions[report.items.count] = definition }
    report.items.append(
      SizeReport.Item(
        kind, shown, symbol: symbol == shown ? nil : symbol, unit: unitNumbers[unit], section: section,
        size: Int(clamping: size), memory: Int(clamping: memory)))
  }

  // MARK: Functions

  private mutating func addFunctions() {
    let section = number(ofSection: layout.code)
    for (position, reference) in program.indices.functions.enumerated() {
      let unit = program.resolution.units[reference.unit]
      let index = Int(reference.index)
      add(
        .function, name(ofFunction: index, in: unit), unit.reportName(ofFunction: index), of: unit.index,
        reasons.definition(ofFunction: index, in: unit), section: section, size: UInt64(code.sizes[position]))
    }
  }

  /// The name of a function: that of the name section or its symbol, or one that it is exported by.
  private func name(ofFunction index: Int, in unit: Unit) -> ByteString? {
    if unit.index == .own, let name = program.resolution.synthetic.symbolNames[UInt32(index)] { return name }
    let name = unit.functions[index].name
    if !name.isEmpty { return name }
    return places.symbols(of: unit.bases.function + index).first.map { program.symbol($0).name }
  }

  // MARK: Data

  private mutating func addData() {
    let section = number(ofSection: layout.data)
    for (segment, written) in zip(program.memory.segments, layout.segments) {
      for piece in segment.kept.map({ [$0] }) ?? segment.pieces {
        addPieces(of: piece, written.map(\.range), section: section)
      }
      for run in segment.strings {
        let size = UInt64(run.strings.bytes.count)
        add(
          .data, nil, "strings of \(run.name)", of: .own, nil, section: written.isEmpty ? nil : section,
          size: written.isEmpty ? 0 : size, memory: size)
      }
    }
    for unit in program.resolution.inLinkOrder { addBlock(of: unit) }
  }

  /// Divides a segment among the symbols in it.
  ///
  /// - Parameter written: the ranges of the segment of the result that are in the file.
  private mutating func addPieces(of piece: OutputSegment.Piece, _ written: [Range<UInt64>], section: Int?) {
    let unit = program.resolution.units[piece.unit]
    let index = Int(piece.segment)
    divide(
      0..<unit.segments[index].size, places.symbols(in: unit.bases.segment + index), unit.reportName(ofSegment: index),
      of: unit, reasons.definition(ofSegment: index, in: unit), section: written.isEmpty ? nil : section
    ) { range in
      let range = range.lowerBound &+ piece.offset..<range.upperBound &+ piece.offset
      return written.reduce(0) { $0 + UInt64($1.clamped(to: range).count) }
    }
  }

  /// A library's block, and what of it no data fills.
  private mutating func addBlock(of unit: Unit) {
    guard let block = unit.lifted?.memoryBlock?.segment, !program.options.contract.isObject,
      program.live.segments[unit.bases.segment + block.rawValue]
    else { return }
    let definition = reasons.definition(ofSegment: Int(block), in: unit)
    add(.data, nil, "block of memory", of: unit.index, definition, section: nil)
    let symbols = places.symbols(in: unit.bases.segment + block.rawValue)
    let filled = unit.segments.compactMap { segment -> Range<UInt64>? in
      guard case .inside(block, let offset) = segment.placement else { return nil }
      return offset..<offset.saturatingSum(segment.size)
    }.sorted { $0.lowerBound < $1.lowerBound }
    var position: UInt64 = 0
    let size = unit.segments[Int(block)].size
    for range in filled + [size..<UInt64.max] {
      if range.lowerBound > position {
        divide(
          position..<min(range.lowerBound, size), symbols, "zero-initialised data", of: unit, definition, section: nil
        ) { _ in 0 }
      }
      position = max(position, range.upperBound)
    }
  }

  /// Divides bytes of a segment among the symbols there; what nobody names gets the name of the whole.
  ///
  /// - Parameter bytes: how many bytes of a range are in the file.
  private mutating func divide(
    _ range: Range<UInt64>, _ symbols: [SymbolPlaces.Data], _ name: String, of unit: Unit, _ definition: MarkedIndex,
    section: Int?, bytes: (Range<UInt64>) -> UInt64
  ) {
    var position = range.lowerBound
    func fill(to end: UInt64, _ symbol: SymbolID?) {
      guard end > position else { return }
      add(
        .data, symbol.map { program.symbol($0).name }, name, of: unit.index, definition, section: section,
        size: bytes(position..<end), memory: end - position)
      position = end
    }
    let sorted = symbols.filter { range.contains($0.offset) }.sorted { ($0.offset, $0.symbol) < ($1.offset, $1.symbol) }
    for (number, entry) in sorted.enumerated() where entry.offset >= position {
      fill(to: entry.offset, nil)
      let next = sorted[(number + 1)...].first { $0.offset > entry.offset }?.offset ?? range.upperBound
      fill(to: min(range.upperBound, entry.size > 0 ? entry.offset.saturatingSum(entry.size) : next), entry.symbol)
    }
    fill(to: range.upperBound, nil)
  }

  // MARK: Declarations and custom sections

  /// Globals and the like are few bytes, which are not told apart, but a reason may lead over them.
  private mutating func addDeclarations() {
    func section(_ id: SectionID) -> Int? {
      layout.sections.firstIndex { $0.id == id }.map { $0 + 1 }
    }
    for unit in program.resolution.units {
      for (index, global) in unit.globals.enumerated() where program.live.globals[unit.bases.global + index] {
        add(
          .global, global.name, unit.reportName(ofGlobal: index), of: unit.index,
          reasons.definition(ofGlobal: index, in: unit), section: section(.global))
      }
      for (index, table) in unit.tables.enumerated() where program.live.tables[unit.bases.table + index] {
        add(
          .table, table.name, unit.reportName(ofTable: index), of: unit.index,
          reasons.definition(ofTable: index, in: unit), section: section(.table))
      }
      for index in unit.elements.indices where program.live.elements[unit.bases.element + index] {
        add(
          .element, nil, "element segment \(index)", of: unit.index, reasons.definition(ofElement: index, in: unit),
          section: section(.element))
      }
      for (index, tag) in unit.tags.enumerated() where program.live.tags[unit.bases.tag + index] {
        add(
          .tag, tag.name, unit.reportName(ofTag: index), of: unit.index,
          reasons.definition(ofTag: index, in: unit), section: section(.tag))
      }
    }
  }

  private mutating func addCustomSections() {
    for (output, index) in zip(custom.outputs, layout.custom) {
      let section = number(ofSection: index)
      if let strings = output.strings {
        add(
          .custom, nil, "strings of \(output.name)", of: .own, nil, section: section, size: UInt64(strings.bytes.count))
        continue
      }
      let ends = output.pieces.dropFirst().map(\.offset) + [output.size]
      for (piece, end) in zip(output.pieces, ends) {
        let size = end - piece.offset
        add(.custom, output.name, "custom section", of: piece.unit.index, nil, section: section, size: size)
      }
    }
  }

  // MARK: Reasons

  private mutating func addReasons() {
    for (item, definition) in definitions { report.items[item].reason = reason(for: definition) }
  }

  /// The next item on the way to a root: what takes no place is passed over.
  private func reason(for definition: MarkedIndex) -> SizeReport.Reason? {
    var current = definition
    while let reason = reasons[current] {
      switch reason {
      case .root(let text): return .root(text)
      case .definition(let next):
        if let item = item(of: next), itemNumbers[definition] != item { return .item(item) }
        current = next
      }
    }
    return nil
  }

  /// The item of a definition, or of the one that stands for it.
  private func item(of definition: MarkedIndex) -> Int? {
    if let item = itemNumbers[definition] { return item }
    guard case (.function, let index) = reasons.place(of: definition) else { return nil }
    let unit = program.resolution.units[reasons.owner(of: definition)]
    let function = unit.bases.function + index
    return program.indices.folds.replacement(of: function).flatMap { itemNumbers[MarkedIndex(Int($0))] }
  }

  /// The item of a symbol, if it is in the result; of an import, the item that refers to it.
  func item(of id: SymbolID) -> (item: Int, isReferrer: Bool)? {
    let symbol = program.symbol(id)
    guard let definition = reasons.definition(of: symbol) else {
      return reasons.referrer(of: id).flatMap { item(of: $0) }.map { ($0, true) }
    }
    guard let first = item(of: definition) else { return nil }
    // Of data that was divided, the part of that name.
    let unit = symbol.unit.flatMap { unitNumbers[$0] }
    guard symbol.kind == .data, !report.items[first].isNamed(symbol.name) else { return (first, false) }
    let part = report.items.firstIndex { $0.kind == .data && $0.unit == unit && $0.isNamed(symbol.name) }
    return (part ?? first, false)
  }

  // MARK: What was dropped

  private mutating func addDropped() {
    let live = program.live
    for unit in program.resolution.inLinkOrder {
      for (index, function) in unit.functions.enumerated() {
        let id = unit.bases.function + index
        let isFolded = program.indices.folds.contains(id)
        guard !live.functions[id] || isFolded else { continue }
        let reason: SizeReport.Dropped.Reason =
          isFolded ? .folded : unit.isDiscarded(comdat: function.comdat) ? .duplicate : .unused
        let size = Int(function.body.size) + Int(function.body.start - function.start)
        let name = name(ofFunction: index, in: unit).map(displayName)
        report.dropped.append(
          SizeReport.Dropped(
            .function, name ?? unit.reportName(ofFunction: index), unit: unitNumbers[unit.index],
            size: size, reason))
      }
      for (index, segment) in unit.segments.enumerated() where !live.segments[unit.bases.segment + index] {
        report.dropped.append(
          SizeReport.Dropped(
            .data, unit.reportName(ofSegment: index), unit: unitNumbers[unit.index],
            size: Int(clamping: segment.size), unit.isDiscarded(comdat: segment.comdat) ? .duplicate : .unused))
      }
    }
  }
}

extension SizeReport.Item {
  /// Whether files have this name for it.
  fileprivate func isNamed(_ name: ByteString) -> Bool { (symbol ?? self.name) == name.description }
}

extension SizeReport {
  /// A module that was alone, as far as its names tell.
  init(of module: InputModule, _ sections: [LinkResult.Section], size: Int, _ options: LinkOptions) {
    self.init(output: options.outputPath, linker: options.linkerName)
    self.size = size
    units = [Input(file: module.file.path)]
    self.sections = [Section(name: "module", size: 8)]
    for section in sections {
      let name = section.isCustom ? "custom \(section.name)" : section.name.lowercased()
      self.sections.append(Section(name: name, size: section.size))
    }
    func number(_ name: String) -> Int? { self.sections.firstIndex { $0.name == name } }
    for (index, function) in module.functions.enumerated() {
      let size = Int(function.body.size) + Int(function.body.start - function.start)
      let name =
        function.name.isEmpty
        ? "function \(module.functionImports.count + index)" : options.displayName(of: function.name)
      items.append(Item(.function, name, unit: 0, section: number("code"), size: size, reason: .root("a module alone")))
    }
    for (index, segment) in module.segments.enumerated() {
      let name = segment.name.isEmpty ? "data \(index)" : options.displayName(of: segment.name)
      items.append(
        Item(
          .data, name, unit: 0, section: number("data"), size: segment.count, memory: segment.count,
          reason: .root("a module alone")))
    }
    addStructure()
  }

  /// Adds what is between the items of each section: afterwards they are as many bytes as it.
  fileprivate mutating func addStructure() {
    var sizes = [Int](repeating: 0, count: sections.count)
    for item in items { if let section = item.section { sizes[section] += item.size } }
    for (index, section) in sections.enumerated() where section.size != sizes[index] {
      let isWhole = sizes[index] == 0
      let isCustom = isWhole && section.name.hasPrefix("custom ")
      items.append(
        Item(
          isCustom ? .custom : .structure, isWhole ? section.name : "headers and gaps", section: index,
          size: section.size - sizes[index]))
    }
  }
}

extension LinkOptions {
  /// The linker's name and version, as far as whoever calls it says so.
  var linkerName: String {
    if versionText.isEmpty { return "Solder" }
    return versionText.hasSuffix("\n") ? String(versionText.dropLast()) : versionText
  }
}
