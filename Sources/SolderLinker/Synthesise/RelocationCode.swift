import WebAssemblyFormat

/// Writes code that relocates a position-independent result when it is loaded: `__wasm_apply_data_relocs` and
/// `__wasm_apply_global_relocs` (tool-conventions, DynamicLinking.md).
struct RelocationCode {
  let program: Program

  /// Stores every address in the data.
  func writeData(to writer: inout ByteWriter, isTLS: Bool) {
    let encoder = OperandEncoder(program, CustomPlan(), Threads(1))
    for segment in program.memory.segments where segment.isThreadLocal == isTLS || !program.options.sharedMemory {
      for piece in segment.pieces {
        let unit = program.resolution.units[piece.unit]
        // Thread-local data of one thread alone lies at its address.
        let isPerThread = program.options.sharedMemory && unit.segments[Int(piece.segment)].isTLS
        for index in unit.segmentRelocations[Int(piece.segment)].indices {
          write(
            unit.relocations[index], of: unit, at: segment.address + piece.offset, isTLS: isPerThread,
            encoder, &writer)
        }
      }
    }
  }

  private func write(
    _ relocation: Relocation, of unit: Unit, at start: UInt64, isTLS: Bool, _ encoder: OperandEncoder,
    _ writer: inout ByteWriter
  ) {
    // A slot of the unit's own block is known already.
    guard let id = relocation.symbol.map({ unit.symbolIDs[$0] }) else { return }
    let symbol = program.symbol(id)
    let known = program.resolution.wellKnown
    let isPIC = program.options.isPositionIndependent
    let global = program.values[Int(id)].addressGlobal
    // What is missing and cannot come from outside either has the address null, which is there already.
    if symbol.isDefined ? !isPIC : global == nil { return }
    writer.pointerConstant(start + UInt64(relocation.offset), is64: program.is64)
    if isPIC { addBase(isTLS ? known.tlsBase : known.memoryBase, &writer) }
    let is64 = relocation.width == 8
    let imported = program.indices.importCounts.globals
    if let global, global < imported || !program.options.compatibility.relocatesDataFromBase {
      writer.byte(0x23)
      writer.u32(global.rawValue)
      let addend = unit.addend(of: relocation)
      if addend != 0 {
        writer.pointerConstant(UInt64(bitPattern: addend), is64: is64)
        writer.byte(is64 ? 0x7C : 0x6A)
      }
    } else {
      let base =
        relocation.kind.isTableIndex ? known.tableBase : symbol.isTLS ? known.tlsBase : known.memoryBase
      writer.byte(0x23)
      writer.u32(program.index(of: base, "base to count from"))
      writer.pointerConstant(encoder.value(of: relocation, in: RelocatedUnit(unit)), is64: is64)
      writer.byte(is64 ? 0x7C : 0x6A)
    }
    writer.raw([is64 ? 0x37 : 0x36, 0x02, 0x00])
  }

  private func addBase(_ base: SymbolID?, _ writer: inout ByteWriter) {
    guard let base else { return }
    writer.byte(0x23)
    writer.u32(program.index(of: base))
    writer.byte(program.is64 ? 0x7C : 0x6A)
  }

  /// Sets every global that holds an address.
  func writeGlobals(to writer: inout ByteWriter, isTLS: Bool) {
    let known = program.resolution.wellKnown
    for id in program.indices.addressGlobals {
      let symbol = program.symbol(id)
      guard symbol.isTLS == isTLS, symbol.isDefined, !symbol.has(.isStub) else { continue }
      // In a program for one thread the address of its own thread-local data is a constant.
      if isTLS, !program.resolution.isOfEachThread(symbol, program.options) { continue }
      let isFunction = symbol.kind == .function
      let base =
        isFunction ? known.tableBase : isTLS ? program.resolution.threadLocalBase(of: symbol) : known.memoryBase
      writer.byte(0x23)
      writer.u32(program.index(of: base, "base to count from"))
      let value = isFunction ? UInt64(program.slot(of: id)) : program.address(of: id)
      writer.pointerConstant(value, is64: program.is64)
      writer.raw([program.is64 ? 0x7C : 0x6A, 0x24])
      writer.u32(program.addressGlobal(of: id).rawValue)
    }
  }
}
