import WebAssemblyFormat

/// Writes code that writes a module's late segments (see `SegmentOrder`), as instantiating it would: element segments, then
/// data segments, each of which is gone afterwards.
struct LateSegmentCode {
  private let program: Program
  private let unit: Unit
  private let sections: SectionWriter

  init(_ program: Program, _ unit: Unit) {
    self.program = program
    self.unit = unit
    sections = SectionWriter(program, OperandEncoder(program, CustomPlan(), Threads(1)))
  }

  func write(to writer: inout ByteWriter) {
    writer.count(0)
    let order = program.indices.start.segments
    guard let facts = unit.lifted else { return }
    for (index, element) in unit.elements.enumerated() where order.lateElements.contains(unit.bases.element + index) {
      guard let offset = element.offset, let place = element.table else { continue }
      let table = program.index(of: unit.symbolIDs[facts.symbol(place)])
      let segment = program.index(ofElementSegment: ElementIndex(index), of: unit).rawValue
      write(offset, &writer)
      writeCopy(element.count, &writer)
      writer.raw([0xFC, 0x0C])  // table.init, elem.drop
      writer.u32(segment)
      writer.u32(table)
      writer.raw([0xFC, 0x0D])
      writer.u32(segment)
    }
    for (index, data) in unit.segments.enumerated() where order.lateData.contains(unit.bases.segment + index) {
      let memory = write(data.placement, &writer)
      let segment = program.index(ofSegment: SegmentIndex(index), of: unit).rawValue
      writeCopy(UInt32(data.size), &writer)
      writer.raw([0xFC, 0x08])  // memory.init, data.drop
      writer.u32(segment)
      writer.u32(memory)
      writer.raw([0xFC, 0x09])
      writer.u32(segment)
    }
  }

  /// `i32.const 0, i32.const count`: all of the segment.
  private func writeCopy(_ count: UInt32, _ writer: inout ByteWriter) {
    writer.raw([0x41, 0x00, 0x41])
    writer.s64(Int64(Int32(bitPattern: count)))
  }

  /// A constant expression is code as it stands, but for its `end`.
  private func write(_ offset: Fragment, _ writer: inout ByteWriter) {
    var expression = ByteWriter()
    sections.append(offset, of: unit, to: &expression)
    writer.raw(Array(expression.bytes.dropLast()))
  }

  /// Writes where a data segment goes.
  ///
  /// - Returns: the index of the memory.
  private func write(_ placement: SegmentPlacement, _ writer: inout ByteWriter) -> UInt32 {
    switch placement {
    case .kept(let memory, let offset):
      write(offset, &writer)
      return program.resolution.memories.index(of: memory, in: unit).rawValue
    case .absolute(let address):
      let memory = unit.contracts.memoryOfFixedData
      writer.pointerConstant(address, is64: unit.module.memoryLimits(memory).is64)
      return program.resolution.memories.index(of: memory, in: unit).rawValue
    case .free, .inside, .passive:
      program.errors.report("\(unit.file.displayName): a late data segment is not active")
      return 0
    }
  }
}
