import WebAssemblyFormat

// `__wasm_init_memory`: sets up memory that active segments cannot.
//
// With shared memory every thread instantiates the module, but memory must be initialised once: segments are passive,
// and whichever thread moves a flag from 0 to 1 copies them, moves the flag to 2 and wakes the others, which wait on it.
// Afterwards every thread drops the segments. Without threads, but with an imported memory, the function only clears
// the zero-initialised segments.
struct InitMemoryCode {
  let program: Program

  private var isPIC: Bool { program.options.isPositionIndependent }
  private var isShared: Bool { program.options.sharedMemory }

  func write(to writer: inout ByteWriter) {
    if isShared { writeRace(to: &writer) } else { writer.count(0) }
    for (index, segment) in program.memory.segments.enumerated() where needsInitialization(segment) {
      initialize(segment, index, &writer)
    }
    if isShared { OnceCode(flag: flagAddress).end(&writer) }
    for (index, segment) in program.memory.segments.enumerated() where needsInitialization(segment) && !segment.isBSS {
      // Each new thread copies the thread-local data again.
      if isShared, segment.isThreadLocal { continue }
      writer.raw([0xFC, 0x09])
      writer.count(index)
    }
  }

  private func needsInitialization(_ segment: OutputSegment) -> Bool {
    program.features.needsCode(toInitialize: segment, program.options)
  }

  private func flagAddress(_ writer: inout ByteWriter) {
    if isPIC {
      writer.raw([0x20, 0x00])
    } else {
      writer.pointerConstant(program.initMemoryFlag, is64: program.is64)
    }
  }

  private func addMemoryBase(_ writer: inout ByteWriter) {
    guard isPIC, let base = program.resolution.wellKnown.memoryBase else { return }
    writer.byte(0x23)
    writer.u32(program.index(of: base))
    writer.byte(program.is64 ? 0x7C : 0x6A)
  }

  private func writeRace(to writer: inout ByteWriter) {
    if isPIC, let base = program.resolution.wellKnown.memoryBase {
      writer.raw([0x01, 0x02, program.is64 ? 0x7E : 0x7F, 0x23])
      writer.u32(program.index(of: base))
      writer.pointerConstant(program.initMemoryFlag, is64: program.is64)
      writer.raw([program.is64 ? 0x7C : 0x6A, 0x21, 0x00])
    } else {
      writer.count(0)
    }
    OnceCode(flag: flagAddress).begin(&writer)
  }

  private func initialize(_ segment: OutputSegment, _ index: Int, _ writer: inout ByteWriter) {
    writer.pointerConstant(segment.address, is64: program.is64)
    addMemoryBase(&writer)
    if isShared, segment.isThreadLocal, let base = program.resolution.wellKnown.tlsBase {
      // The first thread uses the static copy.
      if isPIC {
        writer.raw([0x22, 0x01])
      } else {
        writer.pointerConstant(segment.address, is64: program.is64)
      }
      writer.byte(0x24)
      writer.u32(program.index(of: base))
      if isPIC { writer.raw([0x20, 0x01]) }
    }
    writer.raw([0x41, 0x00])
    if segment.isBSS {
      writer.pointerConstant(segment.size, is64: program.is64)
      writer.raw([0xFC, 0x0B, 0x00])
    } else {
      writer.byte(0x41)
      writer.s64(Int64(Int32(truncatingIfNeeded: segment.size)))
      writer.raw([0xFC, 0x08])
      writer.count(index)
      writer.byte(0x00)
    }
  }
}
