import WebAssemblyFormat

/// The content of one `reloc.` section.
struct RelocationSection {
  private let program: Program
  private let symbols: OutputSymbols
  private let custom: CustomPlan
  private var count = 0
  private var entries = ByteWriter()

  var isEmpty: Bool { count == 0 }

  init(_ program: Program, _ symbols: OutputSymbols, _ custom: CustomPlan) {
    self.program = program
    self.symbols = symbols
    self.custom = custom
  }

  /// Adds the relocations of a fragment of a unit.
  ///
  /// - Parameters:
  ///   - start: where the relocations' offsets count from.
  ///   - place: where that is in the payload of the section of the result.
  mutating func add(_ range: RelocationRange, of unit: Unit, countedFrom start: UInt64, at place: UInt64) {
    add(unit.relocations[range.indices], of: unit, countedFrom: start, at: place)
  }

  /// Adds relocations of a unit.
  mutating func add(
    _ relocations: ArraySlice<Relocation>, of unit: Unit, countedFrom start: UInt64, at place: UInt64
  ) {
    for relocation in relocations {
      let target: UInt32
      if relocation.kind == .typeIndexLEB {
        target = program.index(ofType: relocation.type, of: unit)
      } else {
        let symbol = symbols.index(of: program.subject(of: relocation, in: unit), program, custom)
        if omits(relocation.kind, symbol) { continue }
        target = symbol?.rawValue ?? RelocationSection.garbage
      }
      entries.byte(relocation.kind.rawValue)
      entries.u64(UInt64(relocation.offset) &- start &+ place)
      entries.u32(target)
      if relocation.kind.hasAddend { entries.s64(addend(of: relocation, in: unit)) }
      count += 1
    }
  }

  /// Adds the relocations of code whose edits may have changed its length.
  ///
  /// - Parameter place: where its first byte is in the payload of the section of the result.
  mutating func add(_ body: Fragment, _ patcher: Patcher, at place: UInt64) {
    let unit = patcher.unit
    // Where the edit begins, as if the code began in front of the file's first byte.
    var shift = place &- UInt64(body.start)
    for index in body.relocations.indices {
      let edit = patcher.source.relocations[index]
      let start = shift &+ UInt64(edit.offset)
      let length = patcher.replacement(for: edit, length: patcher.codeLength).length
      shift = shift &+ UInt64(length) &- UInt64(edit.width)
      let id = edit.symbol.map { unit.symbolIDs[$0] }
      let symbol = id.map { program.symbol($0) }
      switch edit.objectForm(symbol?.kind, program.resolution.access(to: symbol, by: unit, program.options)) {
      case .final: break
      case .none(let what):
        program.errors.report(
          "\(unit.file.displayName): code \(what) at offset \(edit.offset)"
            + "\(SourceLines.suffix(ofInstruction: Int(edit.offset), in: unit)), which no object can say")
      case .relocation(let kind, let leading): add(kind, id, edit, of: unit, at: start &+ UInt64(leading))
      case .threadLocalSum(let kind):
        add(.globalIndexLEB, program.resolution.wellKnown.tlsBase, edit, of: unit, at: start + 1)
        // The number stands behind the other instruction and its own opcode, and in front of the sum.
        add(kind, id, edit, of: unit, at: start &+ UInt64(length - 1 - kind.width))
      }
    }
  }

  /// Adds a relocation of a kind for an edit.
  ///
  /// - Parameter id: what it is about; `nil` for a type.
  private mutating func add(
    _ kind: RelocationKind, _ id: SymbolID?, _ edit: Relocation, of unit: Unit, at place: UInt64
  ) {
    let target: UInt32
    if let id {
      guard let symbol = symbols.index(of: id, program, custom) else {
        return program.errors.report(
          "\(unit.file.displayName): what the code at offset \(edit.offset) refers to has no symbol in the result")
      }
      target = symbol.rawValue
    } else {
      target = program.index(ofType: edit.type, of: unit)
    }
    entries.byte(kind.rawValue)
    entries.u64(place)
    entries.u32(target)
    if kind.hasAddend { entries.s64(unit.addend(of: edit)) }
    count += 1
  }

  /// What releases that keep such relocations write in place of a symbol that was collected as garbage.
  private static let garbage = UInt32.max

  /// Whether the symbol was collected as garbage. wasm-ld takes section symbols for garbage too, which are never marked.
  private func omits(_ kind: RelocationKind, _ symbol: OutputSymbolIndex?) -> Bool {
    guard program.options.compatibility.omitsRelocationsOfGarbage else { return false }
    return symbol == nil || kind == .sectionOffsetI32 && program.options.gcSections
  }

  private func addend(of relocation: Relocation, in unit: Unit) -> Int64 {
    let addend = unit.addend(of: relocation)
    guard relocation.kind == .sectionOffsetI32 else { return addend }
    let section = program.symbol(unit.symbolIDs[relocation.namedSymbol]).customSectionID
    return Int64(bitPattern: custom.offset(of: UInt64(bitPattern: addend), inSection: section))
  }

  /// The payload, for the section of this index in the result.
  func contents(of section: UInt32) -> ByteWriter {
    var writer = ByteWriter(capacity: entries.count + 10)
    writer.u32(section)
    writer.count(count)
    writer.raw(entries)
    return writer
  }
}
