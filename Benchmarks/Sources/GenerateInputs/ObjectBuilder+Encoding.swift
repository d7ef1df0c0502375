/// Writing a relocatable object (Linking.md) in the order LLVM writes one.
extension ObjectBuilder {
  /// The index spaces of an object: what it imports comes first.
  private struct Indices {
    var functionImports: [Int] = []
    var globalImports: [Int] = []
    var function: [Int] = []
    var global: [Int: Int] = [:]

    init(_ builder: ObjectBuilder) {
      function = Array(repeating: 0, count: builder.symbols.count)
      for (position, symbol) in builder.symbols.enumerated() {
        switch symbol.kind {
        case .function(_, nil):
          function[position] = functionImports.count
          functionImports.append(position)
        case .global:
          global[position] = globalImports.count
          globalImports.append(position)
        default: break
        }
      }
      for (position, symbol) in builder.symbols.enumerated() {
        if case .function(_, let definition?) = symbol.kind {
          function[position] = functionImports.count + definition
        }
      }
      for (position, symbol) in builder.gotSymbols.enumerated() { global[symbol] = globalImports.count + position }
    }
  }

  /// The file's bytes.
  func object() -> [UInt8] {
    let indices = Indices(self)
    // Every import's type has to be in the type section before that is written.
    for symbol in indices.functionImports {
      if case .function(let signature, _) = symbols[symbol].kind { _ = type(ofSignature: signature) }
    }
    code = patched(code, codeRelocations, indices)

    var file = ByteWriter()
    file.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])
    var sections = 0
    func add(_ identifier: UInt8, _ contents: ByteWriter) {
      file.section(identifier, contents)
      sections += 1
    }
    add(1, typeSection())
    add(2, importSection(indices))
    add(3, functionSection())
    if !tableElements.isEmpty { add(9, elementSection { indices.function[$0] }) }
    if !segments.isEmpty {
      var count = ByteWriter()
      count.unsigned(segments.count)
      add(12, count)
    }
    let codeSection = sections
    let codeHeader = unsignedSize(functions.count)
    var codeContents = ByteWriter()
    codeContents.unsigned(functions.count)
    codeContents.append(code)
    add(10, codeContents)
    let dataSection = sections
    let (dataContents, dataRelocations) = dataSectionContents(indices)
    if !segments.isEmpty { add(11, dataContents) }

    let firstDebugSection = sections
    for index in debugSections.indices {
      let section = debugSections[index]
      file.customSection(section.name, patched(section.contents, section.relocations, indices))
      sections += 1
    }
    file.customSection("linking", linkingSection(indices, firstDebugSection: firstDebugSection))
    let shifted = codeRelocations.map { relocation in
      var relocation = relocation
      relocation.offset += codeHeader
      return relocation
    }
    addRelocations(to: &file, "CODE", section: codeSection, shifted)
    addRelocations(to: &file, "DATA", section: dataSection, dataRelocations)
    for (index, section) in debugSections.enumerated() {
      addRelocations(to: &file, section.name, section: firstDebugSection + index, section.relocations)
    }
    file.customSection("producers", producersSection())
    file.customSection("target_features", targetFeaturesSection())
    return file.bytes
  }

  // MARK: Sections

  func typeSection() -> ByteWriter {
    var section = ByteWriter()
    section.unsigned(types.count)
    for type in types {
      let signature = signatures[type]
      section.byte(0x60)
      section.unsigned(signature.parameters.count)
      for parameter in signature.parameters { section.byte(parameter.rawValue) }
      section.unsigned(signature.results.count)
      for result in signature.results { section.byte(result.rawValue) }
    }
    return section
  }

  private func importSection(_ indices: Indices) -> ByteWriter {
    var section = ByteWriter()
    let usesTable = symbols.contains { if case .table = $0.kind { true } else { false } } || !tableElements.isEmpty
    section.unsigned(
      1 + indices.functionImports.count + indices.globalImports.count + gotSymbols.count
        + (usesTable ? 1 : 0))
    section.name("env")
    section.name("__linear_memory")
    section.append([2, 0])
    section.unsigned((dataEnd + 65535) / 65536)
    for position in indices.functionImports {
      guard case .function(let signature, _) = symbols[position].kind else { continue }
      section.name(symbols[position].importModule ?? "env")
      section.name(symbols[position].importModule == nil ? symbols[position].name : importField(position))
      section.byte(0)
      section.unsigned(type(ofSignature: signature))
    }
    if usesTable {
      section.name("env")
      section.name("__indirect_function_table")
      section.append([1, 0x70, 0])
      section.unsigned(tableElements.count + 1)
    }
    for position in indices.globalImports {
      guard case .global(let mutable) = symbols[position].kind else { continue }
      section.name("env")
      section.name(symbols[position].name)
      section.append([3, ValueType.i32.rawValue, mutable ? 1 : 0])
    }
    for position in gotSymbols {
      if case .function = symbols[position].kind { section.name("GOT.func") } else { section.name("GOT.mem") }
      section.name(symbols[position].name)
      section.append([3, ValueType.i32.rawValue, 1])
    }
    return section
  }

  /// The field under which a function of another module than `env` is imported: its name without the prefix that
  /// wasi-libc gives such symbols.
  func importField(_ position: Int) -> String {
    let name = symbols[position].name
    let prefix = "__imported_\(symbols[position].importModule ?? "")_"
    return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
  }

  func functionSection() -> ByteWriter {
    var section = ByteWriter()
    section.unsigned(functions.count)
    for function in functions { section.unsigned(type(ofSignature: function.signature)) }
    return section
  }

  func elementSection(index: (Int) -> Int) -> ByteWriter {
    var section = ByteWriter()
    section.append([1, 0, Opcode.i32Const, 1, Opcode.end])
    section.unsigned(tableElements.count)
    for symbol in tableElements { section.unsigned(index(symbol)) }
    return section
  }

  private func dataSectionContents(_ indices: Indices) -> (ByteWriter, [Relocation]) {
    var section = ByteWriter()
    var relocations: [Relocation] = []
    section.unsigned(segments.count)
    for index in segments.indices {
      let contents = patched(segments[index].contents, segments[index].relocations, indices)
      section.append([0, Opcode.i32Const])
      section.signed(Int64(segments[index].address))
      section.byte(Opcode.end)
      section.unsigned(contents.count)
      for var relocation in segments[index].relocations {
        relocation.offset += section.count
        relocations.append(relocation)
      }
      section.append(contents)
    }
    return (section, relocations)
  }

  private func linkingSection(_ indices: Indices, firstDebugSection: Int) -> ByteWriter {
    var section = ByteWriter()
    section.unsigned(2)
    var table = ByteWriter()
    table.unsigned(symbols.count)
    for (position, symbol) in symbols.enumerated() {
      write(symbol, position, to: &table, indices, firstDebugSection: firstDebugSection)
    }
    section.subsection(8, table)

    if !segments.isEmpty {
      var segmentDetails = ByteWriter()
      segmentDetails.unsigned(segments.count)
      for segment in segments {
        segmentDetails.name(segment.name)
        segmentDetails.unsigned(segment.alignment)
        segmentDetails.unsigned(segment.isStrings ? 1 : 0)
      }
      section.subsection(5, segmentDetails)
    }
    if !constructors.isEmpty {
      var functions = ByteWriter()
      functions.unsigned(constructors.count)
      for symbol in constructors {
        functions.unsigned(65535)
        functions.unsigned(symbol)
      }
      section.subsection(6, functions)
    }
    if !comdats.isEmpty {
      var groups = ByteWriter()
      groups.unsigned(comdats.count)
      for comdat in comdats {
        groups.name(comdat.name)
        groups.unsigned(0)
        groups.unsigned(comdat.functions.count + comdat.segments.count)
        for segment in comdat.segments {
          groups.byte(0)
          groups.unsigned(segment)
        }
        for symbol in comdat.functions {
          groups.byte(1)
          groups.unsigned(indices.function[symbol])
        }
      }
      section.subsection(7, groups)
    }
    return section
  }

  private func write(
    _ symbol: Symbol, _ position: Int, to table: inout ByteWriter, _ indices: Indices, firstDebugSection: Int
  ) {
    switch symbol.kind {
    case .function(_, let definition):
      table.byte(0)
      table.unsigned(symbol.flags.rawValue)
      table.unsigned(indices.function[position])
      if definition != nil || symbol.flags.contains(.explicitName) { table.name(symbol.name) }
    case .data(let segment, let offset, let size):
      table.byte(1)
      table.unsigned(symbol.flags.rawValue)
      table.name(symbol.name)
      if let segment {
        table.unsigned(segment)
        table.unsigned(offset)
        table.unsigned(size)
      }
    case .global:
      table.byte(2)
      table.unsigned(symbol.flags.rawValue)
      table.unsigned(indices.global[position] ?? 0)
    case .section(let index):
      table.byte(3)
      table.unsigned(symbol.flags.rawValue)
      table.unsigned(firstDebugSection + index)
    case .table:
      table.byte(5)
      table.unsigned(symbol.flags.rawValue)
      table.unsigned(0)
    }
  }

  private func addRelocations(to file: inout ByteWriter, _ name: String, section: Int, _ relocations: [Relocation]) {
    guard !relocations.isEmpty else { return }
    var contents = ByteWriter()
    contents.unsigned(section)
    contents.unsigned(relocations.count)
    for relocation in relocations {
      contents.byte(relocation.type.rawValue)
      contents.unsigned(relocation.offset)
      contents.unsigned(relocation.index)
      if relocation.type.hasAddend { contents.signed(Int64(relocation.addend)) }
    }
    file.customSection("reloc." + name, contents)
  }

  func producersSection() -> ByteWriter {
    var section = ByteWriter()
    section.unsigned(2)
    section.name("language")
    section.unsigned(1)
    section.name("C_plus_plus_14")
    section.name("")
    section.name("processed-by")
    section.unsigned(1)
    section.name("generate-inputs")
    section.name("1.0")
    return section
  }

  func targetFeaturesSection() -> ByteWriter {
    let features = [
      "bulk-memory", "bulk-memory-opt", "call-indirect-overlong", "multivalue", "mutable-globals",
      "nontrapping-fptoint", "reference-types", "sign-ext",
    ]
    var section = ByteWriter()
    section.unsigned(features.count)
    for feature in features {
      section.byte(0x2b)
      section.name(feature)
    }
    return section
  }

  // MARK: Values

  /// The bytes with what relocated places hold before the link: the values within this object.
  private func patched(_ contents: ByteWriter, _ relocations: [Relocation], _ indices: Indices) -> ByteWriter {
    var contents = contents
    for relocation in relocations {
      switch relocation.type {
      case .functionIndexLEB:
        contents.patchUnsigned(UInt32(indices.function[relocation.index]), at: relocation.offset)
      case .globalIndexLEB:
        contents.patchUnsigned(UInt32(indices.global[relocation.index] ?? 0), at: relocation.offset)
      case .globalIndexI32:
        contents.patchLittle32(UInt32(indices.global[relocation.index] ?? 0), at: relocation.offset)
      case .typeIndexLEB: contents.patchUnsigned(UInt32(relocation.index), at: relocation.offset)
      case .tableNumberLEB: contents.patchUnsigned(0, at: relocation.offset)
      case .tableIndexSLEB:
        contents.patchSigned(Int32(tableSlot(of: relocation.index)), at: relocation.offset)
      case .tableIndexRelativeSLEB:
        contents.patchSigned(Int32(tableSlot(of: relocation.index) - 1), at: relocation.offset)
      case .tableIndexI32:
        contents.patchLittle32(UInt32(tableSlot(of: relocation.index)), at: relocation.offset)
      case .memoryAddressLEB: contents.patchUnsigned(dataValue(relocation), at: relocation.offset)
      case .memoryAddressI32: contents.patchLittle32(dataValue(relocation), at: relocation.offset)
      case .memoryAddressSLEB, .memoryAddressRelativeSLEB:
        contents.patchSigned(Int32(bitPattern: dataValue(relocation)), at: relocation.offset)
      case .functionOffsetI32:
        guard case .function(_, let definition?) = symbols[relocation.index].kind else { continue }
        let start = unsignedSize(functions.count) + functions[definition].start
        contents.patchLittle32(UInt32(start + relocation.addend), at: relocation.offset)
      case .sectionOffsetI32: contents.patchLittle32(UInt32(relocation.addend), at: relocation.offset)
      }
    }
    return contents
  }

  private func dataValue(_ relocation: Relocation) -> UInt32 {
    let symbol = relocation.index
    return symbols[symbol].isDefined ? UInt32(address(of: symbol) + relocation.addend) : 0
  }
}
