import WebAssemblyFormat

/// Decodes the relocation sections of an object and hands each chunk its run
/// (tool-conventions, Linking.md, Relocation Sections).
///
/// Every offset, symbol and type is checked here once, so that whoever applies a relocation may trust it.
struct RelocationReader {
  let unit: Unit

  /// Decodes all relocations of the unit.
  ///
  /// - Throws: ``FormatError`` when an entry is damaged, out of order or out of range.
  func read() throws(FormatError) {
    for section in unit.relocationSections {
      var reader = section
      let at = reader.offset
      let target = try reader.u32()
      let first = UInt32(unit.relocations.count)
      if let code = unit.code, code.index == Int(target) {
        try readEntries(&reader, base: code.payload.offset, size: code.payload.remaining, inCode: true)
        try divideAmongFunctions(from: first, at: at)
      } else if target == unit.dataSectionIndex {
        try readDataEntries(&reader, at: at)
      } else if let index = unit.customSections.firstIndex(where: { $0.index == target }) {
        try readEntries(&reader, base: 0, size: unit.customSections[index].content.remaining, inCode: false)
        unit.customSections[index].relocations = RelocationRange(start: first, end: UInt32(unit.relocations.count))
      } else {
        throw FormatError("relocations of section \(target), which does not exist", at: at)
      }
    }
  }

  /// Reads the entries of one section; `base` is added to their offsets.
  private func readEntries(
    _ reader: inout ByteReader, base: Int, size: Int, inCode: Bool
  ) throws(FormatError) {
    let count = try reader.count(minimumSize: 3)
    unit.relocations.reserveCapacity(unit.relocations.count + count)
    let symbolCount = unit.symbols.count
    let typeCount = unit.types.count
    var previous: UInt32 = 0
    for _ in 0..<count {
      let at = reader.offset
      let code = try reader.byte()
      guard code <= 26, let kind = RelocationKind(rawValue: code) else {
        throw FormatError("unknown relocation type \(code)", at: at)
      }
      let offset = try reader.u32()
      let target = try reader.u32()
      let width = kind.width
      guard offset >= previous, Int(offset) + width <= size else {
        throw FormatError("relocation at \(offset) is out of order or out of range", at: at)
      }
      previous = offset
      guard Int(target) < (kind == .typeIndexLEB ? typeCount : symbolCount) else {
        throw FormatError("relocation refers to symbol or type \(target), which does not exist", at: at)
      }
      if kind != .typeIndexLEB { try check(kind, against: unit.symbols[Int(target)].kind, at: at) }
      var relocation = Relocation(
        kind, at: offset + UInt32(truncatingIfNeeded: base), width: UInt8(truncatingIfNeeded: width), target: target)
      if kind.hasAddend { unit.setAddend(try reader.s64(), of: &relocation) }
      unit.relocations.append(relocation)
    }
  }

  private func check(_ kind: RelocationKind, against symbol: SymbolKind, at offset: Int) throws(FormatError) {
    let fits =
      switch kind {
      case .functionIndexLEB, .functionIndexI32, .tableIndexSLEB, .tableIndexI32, .tableIndexRelativeSLEB,
        .tableIndexSLEB64, .tableIndexI64, .tableIndexRelativeSLEB64, .functionOffsetI32, .functionOffsetI64:
        symbol == .function
      case .globalIndexLEB, .globalIndexI32: symbol == .global || symbol == .data || symbol == .function
      case .tagIndexLEB: symbol == .tag
      case .tableNumberLEB: symbol == .table
      case .sectionOffsetI32: symbol == .section
      default: symbol == .data
      }
    guard fits else {
      throw FormatError("relocation \(kind.conventionalName) refers to a symbol of the wrong kind", at: offset)
    }
  }

  private func divideAmongFunctions(from first: UInt32, at: Int) throws(FormatError) {
    var next = Int(first)
    let end = unit.relocations.count
    for index in unit.functions.indices {
      let body = unit.functions[index].body
      while next < end, unit.relocations[next].offset < body.start { next += 1 }
      let start = next
      while next < end, unit.relocations[next].offset < body.start + body.size { next += 1 }
      if next > start {
        let last = unit.relocations[next - 1]
        guard Int(last.offset) + Int(last.width) <= Int(body.start) + Int(body.size) else {
          throw FormatError("relocation reaches beyond its function", at: at)
        }
      }
      unit.functions[index].body.relocations = RelocationRange(start: UInt32(start), end: UInt32(next))
    }
  }

  /// Entries of the data section count from its payload; a segment wants them to count from its own first byte.
  private func readDataEntries(_ reader: inout ByteReader, at: Int) throws(FormatError) {
    let base = unit.file.bytes.base
    var payloadEnd = 0
    for segment in unit.segments where segment.count > 0 {
      payloadEnd = max(payloadEnd, (segment.bytes - base) + segment.count)
    }
    let payload = unit.dataPayloadOffset
    var next = unit.relocations.count
    try readEntries(&reader, base: payload, size: max(0, payloadEnd - payload), inCode: false)
    let end = unit.relocations.count
    for index in unit.segments.indices {
      let segment = unit.segments[index]
      let start = segment.bytes - base
      while next < end, Int(unit.relocations[next].offset) < start { next += 1 }
      let first = next
      while next < end, Int(unit.relocations[next].offset) < start + segment.count {
        guard Int(unit.relocations[next].offset) + Int(unit.relocations[next].width) <= start + segment.count else {
          throw FormatError("relocation reaches beyond its data segment", at: at)
        }
        unit.relocations[next].offset -= UInt32(start)
        next += 1
      }
      unit.segments[index].relocations = RelocationRange(start: UInt32(first), end: UInt32(next))
    }
  }
}
