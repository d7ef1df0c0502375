import WebAssemblyFormat

/// Which symbols name which function, and which bytes of data, in the result.
struct SymbolPlaces {
  /// A symbol in a data segment of a unit.
  struct Data {
    let symbol: SymbolID
    /// Offset in the segment.
    let offset: UInt64
    /// Bytes, as far as somebody says so; 0 otherwise.
    let size: UInt64
  }

  private let program: Program
  /// Numbered over all units.
  private var functions: [FunctionID: [SymbolID]] = [:]
  private var segments: [SegmentID: [Data]] = [:]
  /// What is there already, by place and name.
  private var seenData: Set<DataName> = []

  private struct DataName: Hashable {
    let segment: SegmentID
    let offset: UInt64
    let name: ByteString
  }

  init(_ program: Program) {
    self.program = program
    var missing: Set<SymbolID> = []
    for unit in program.resolution.inLinkOrder {
      for id in unit.symbolIDs.values {
        let symbol = program.symbol(id)
        if program.isMissing(id) {
          if missing.insert(id).inserted { functions[symbol.functionID, default: []].append(id) }
          continue
        }
        guard symbol.unit == unit.index, symbol.definition != nil, !symbol.name.isEmpty, program.isPresent(id) else {
          continue
        }
        if symbol.kind == .function { add(id, to: symbol.functionID) }
        if symbol.kind == .data { addData(id, symbol, of: unit) }
      }
    }
  }

  /// Entries of a finished module's index spaces have symbols, and so do their exports: one line for a name is enough.
  private mutating func add(_ id: SymbolID, to function: FunctionID) {
    let function = program.indices.folds.replacement(of: function) ?? function
    let name = program.symbol(id).name
    if functions[function]?.contains(where: { program.symbol($0).name == name }) == true { return }
    functions[function, default: []].append(id)
  }

  /// A library's data is named by places in its block; what is there is a piece of it, or zeros.
  private mutating func addData(_ id: SymbolID, _ symbol: Symbol, of unit: Unit) {
    var (segment, offset) = (symbol.segmentID, symbol.value)
    if let block = unit.lifted?.memoryBlock?.segment, segment == unit.bases.segment + block.rawValue {
      for (index, piece) in unit.segments.enumerated() {
        guard case .inside(_, let start) = piece.placement, start <= offset, offset - start < piece.size else {
          continue
        }
        (segment, offset) = (unit.bases.segment + index, offset - start)
        break
      }
    }
    let name = symbol.name
    // The segment itself has a symbol in finished modules.
    if unit.contracts.isRecovered, name == unit.segments[segment - unit.bases.segment].name { return }
    guard seenData.insert(DataName(segment: segment, offset: offset, name: name)).inserted else { return }
    segments[segment, default: []].append(Data(symbol: id, offset: offset, size: symbol.size))
  }

  /// The symbols of a function, and of those that were folded into it.
  func symbols(of function: FunctionID) -> [SymbolID] { functions[function] ?? [] }

  /// The symbols in a segment of a unit.
  func symbols(in segment: SegmentID) -> [Data] { segments[segment] ?? [] }
}

extension Program {
  /// Whether a stub that others share stands for a function that nobody defines.
  func isMissing(_ id: SymbolID) -> Bool {
    let symbol = self.symbol(id)
    guard symbol.kind == .function, symbol.has(.isStub), symbol.isDefined, symbol.unit == .own else { return false }
    let own = resolution.units[UnitID.own]
    return resolution.synthetic.symbolNames[UInt32(symbol.functionID - own.bases.function)] == nil
  }
}
