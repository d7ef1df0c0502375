/// Writing a whole module, as a compiler does that needs no linker for its own code: it owns its memory, its table and
/// its stack, keeps its addresses, and says with `__heap_base` where its static memory ends.
extension ObjectBuilder {
  private static let stackSize = 65536

  /// The file's bytes. `start` is exported as `_start`.
  func module(start: Int) -> [UInt8] {
    let heapBase = (dataEnd + 15) / 16 * 16 + Self.stackSize
    var file = ByteWriter()
    file.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])
    for symbol in moduleImports {
      if case .function(let signature, _) = symbols[symbol].kind { _ = type(ofSignature: signature) }
    }
    file.section(1, typeSection())
    file.section(2, importSection())
    file.section(3, functionSection())

    var table = ByteWriter()
    table.append([1, 0x70, 1])
    table.unsigned(tableElements.count + 1)
    table.unsigned(tableElements.count + 1)
    file.section(4, table)
    var memory = ByteWriter()
    memory.append([1, 0])
    memory.unsigned(heapBase / 65536 + 1)
    file.section(5, memory)
    var globals = ByteWriter()
    globals.unsigned(2)
    for mutability: UInt8 in [1, 0] {
      globals.append([ValueType.i32.rawValue, mutability, Opcode.i32Const])
      globals.signed(Int64(heapBase))
      globals.byte(Opcode.end)
    }
    file.section(6, globals)
    var exports = ByteWriter()
    exports.unsigned(3)
    for (name, kind, index) in [("memory", 2, 0), ("__heap_base", 3, 1), ("_start", 0, moduleIndex[start] ?? 0)] {
      exports.name(name)
      exports.unsigned(kind)
      exports.unsigned(index)
    }
    file.section(7, exports)
    file.section(9, elementSection { self.moduleIndex[$0] ?? 0 })
    var codeContents = ByteWriter()
    codeContents.unsigned(functions.count)
    codeContents.append(code)
    file.section(10, codeContents)
    file.section(11, moduleData())
    file.customSection("name", nameSection())
    file.customSection("producers", producersSection())
    return file.bytes
  }

  private func importSection() -> ByteWriter {
    var section = ByteWriter()
    section.unsigned(moduleImports.count)
    for symbol in moduleImports {
      guard case .function(let signature, _) = symbols[symbol].kind else { continue }
      section.name(symbols[symbol].importModule ?? "env")
      section.name(importField(symbol))
      section.byte(0)
      section.unsigned(type(ofSignature: signature))
    }
    return section
  }

  /// One segment with everything, pointers filled in.
  private func moduleData() -> ByteWriter {
    var image = ByteWriter()
    let start = segments.first?.address ?? 0
    for segment in segments {
      while start + image.count < segment.address { image.byte(0) }
      var contents = segment.contents
      for relocation in segment.relocations {
        switch relocation.type {
        case .tableIndexI32:
          contents.patchLittle32(UInt32(tableSlot(of: relocation.index)), at: relocation.offset)
        default:
          contents.patchLittle32(UInt32(address(of: relocation.index) + relocation.addend), at: relocation.offset)
        }
      }
      image.append(contents)
    }
    var section = ByteWriter()
    section.append([1, 0, Opcode.i32Const])
    section.signed(Int64(start))
    section.byte(Opcode.end)
    section.unsigned(image.count)
    section.append(image)
    return section
  }

  private func nameSection() -> ByteWriter {
    var section = ByteWriter()
    var names = ByteWriter()
    names.unsigned(moduleImports.count + functions.count)
    for (index, symbol) in (moduleImports + functions.map(\.symbol)).enumerated() {
      names.unsigned(index)
      names.name(symbols[symbol].name)
    }
    section.subsection(1, names)
    var globals = ByteWriter()
    globals.unsigned(2)
    for (index, name) in ["__stack_pointer", "__heap_base"].enumerated() {
      globals.unsigned(index)
      globals.name(name)
    }
    section.subsection(7, globals)
    return section
  }
}
