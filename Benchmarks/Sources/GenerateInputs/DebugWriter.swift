/// Adds DWARF 4 sections like clang's: a compilation unit with types, variables and functions, a line table, ranges and
/// location lists, with relocations against functions, data, globals and sections.
struct DebugWriter {
  private enum Abbreviation {
    static let unit = 1
    static let baseType = 2
    static let function = 3
    static let parameter = 4
    static let variable = 5
    static let globalVariable = 6
    static let callSite = 7
    static let block = 8
    static let structure = 9
    static let member = 10
    static let pointer = 11
    static let listedVariable = 12
  }

  private let builder: ObjectBuilder
  private let file: Int
  private var random: Random
  private var details = DebugSection(name: ".debug_info")
  private var strings = DebugSection(name: ".debug_str")
  private var lines = DebugSection(name: ".debug_line")
  private var ranges = DebugSection(name: ".debug_ranges")
  private var locations = DebugSection(name: ".debug_loc")
  private var stringOffsets: [String: Int] = [:]
  private var typeOffsets: [Int] = []
  private var sectionSymbols: [String: Int] = [:]

  init(_ builder: ObjectBuilder, seed: UInt64, file: Int) {
    self.builder = builder
    self.file = file
    random = Random(seed, UInt64(file), 30)
  }

  mutating func write() {
    let names = [".debug_loc", ".debug_abbrev", ".debug_info", ".debug_ranges", ".debug_str", ".debug_line"]
    for (index, name) in names.enumerated() {
      sectionSymbols[name] = builder.symbols.count
      builder.symbols.append(Symbol(kind: .section(index), name: name, flags: .local))
    }
    writeUnit()
    writeLines()
    builder.debugSections = [
      locations, DebugSection(name: ".debug_abbrev", contents: Self.abbreviations()), details, ranges, strings, lines,
    ]
  }

  // MARK: References

  private func relocate(
    _ section: inout DebugSection, _ type: RelocationType, _ symbol: Int, addend: Int = 0
  ) {
    section.relocations.append(
      Relocation(type: type, offset: section.contents.count, index: symbol, addend: addend))
    section.contents.little32(0)
  }

  private mutating func sectionOffset(_ name: String, _ offset: Int) {
    relocate(&details, .sectionOffsetI32, sectionSymbols[name] ?? 0, addend: offset)
  }

  private mutating func string(_ text: String) {
    let offset: Int
    if let known = stringOffsets[text] {
      offset = known
    } else {
      offset = strings.contents.count
      stringOffsets[text] = offset
      strings.contents.append(text.utf8)
      strings.contents.byte(0)
    }
    sectionOffset(".debug_str", offset)
  }

  private mutating func type() {
    details.contents.little32(UInt32(random.element(of: typeOffsets)))
  }

  // MARK: .debug_info

  private mutating func writeUnit() {
    details.contents.little32(0)
    details.contents.little16(4)
    sectionOffset(".debug_abbrev", 0)
    details.contents.byte(4)
    details.contents.unsigned(Abbreviation.unit)
    string("clang version 21.1.0 (benchmark)")
    details.contents.little16(0x21)
    string("src/module\(file % 40)/file\(file).cpp")
    sectionOffset(".debug_line", 0)
    string("/home/user/project/build")
    details.contents.little32(0)
    sectionOffset(".debug_ranges", 0)

    writeTypes()
    for (position, symbol) in builder.symbols.enumerated() {
      if case .data(.some, _, _) = symbol.kind, !symbol.name.hasPrefix(".L") { writeVariable(position, symbol) }
    }
    for function in builder.functions { writeFunction(function) }
    ranges.contents.little32(0)
    ranges.contents.little32(0)
    details.contents.byte(0)
    details.contents.patchLittle32(UInt32(details.contents.count - 4), at: 0)
  }

  private mutating func writeTypes() {
    let encodings: [(String, UInt8, UInt8)] = [
      ("int", 5, 4), ("unsigned int", 7, 4), ("char", 6, 1), ("long long", 5, 8), ("double", 4, 8), ("bool", 2, 1),
    ]
    for (name, encoding, size) in encodings {
      typeOffsets.append(details.contents.count)
      details.contents.unsigned(Abbreviation.baseType)
      string(name)
      details.contents.append([encoding, size])
    }
    for number in 0..<(4 + random.below(10)) {
      typeOffsets.append(details.contents.count)
      details.contents.unsigned(Abbreviation.structure)
      string("Record\(number)_\(file % 50)")
      details.contents.append([UInt8(4 * 8), 1, UInt8(number)])
      for member in 0..<(2 + random.below(10)) {
        details.contents.unsigned(Abbreviation.member)
        string("member_\(member)_\(random.below(100))")
        type()
        details.contents.append([1, UInt8(member + 3), UInt8(4 * member)])
      }
      details.contents.byte(0)
      typeOffsets.append(details.contents.count)
      let structure = typeOffsets[typeOffsets.count - 2]
      details.contents.unsigned(Abbreviation.pointer)
      details.contents.little32(UInt32(structure))
    }
  }

  private mutating func writeVariable(_ position: Int, _ symbol: Symbol) {
    details.contents.unsigned(Abbreviation.globalVariable)
    string(symbol.name)
    type()
    details.contents.byte(1)
    details.contents.unsigned(5 + random.below(2000))
    // DW_OP_addr
    details.contents.append([5, 3])
    relocate(&details, .memoryAddressI32, position)
  }

  private mutating func writeFunction(_ function: DefinedFunction) {
    let symbol = builder.symbols[function.symbol]
    let body = function.lines.first?.offset ?? 0
    details.contents.unsigned(Abbreviation.function)
    relocate(&details, .functionOffsetI32, function.symbol)
    details.contents.little32(UInt32(function.size))
    // DW_OP_WASM_location, a global by index, DW_OP_stack_value: the frame is at the stack pointer.
    details.contents.append([7, 0xed, 3])
    relocate(&details, .globalIndexI32, builder.stackPointer)
    details.contents.byte(0x9f)
    string(symbol.name)
    string(Self.shortName(symbol.name))
    details.contents.byte(1)
    details.contents.unsigned(function.lines.first?.line ?? 1)
    type()
    let parameters = signatures[function.signature].parameters.count
    for local in 0..<(parameters + 1 + random.below(4)) {
      writeLocal(local, isParameter: local < parameters, function, body: body)
    }
    if function.lines.count > 6 { writeBlock(function) }
    for call in function.calls {
      details.contents.unsigned(Abbreviation.callSite)
      details.contents.little32(UInt32(random.element(of: typeOffsets)))
      relocate(&details, .functionOffsetI32, function.symbol, addend: call)
    }
    details.contents.byte(0)

    relocate(&ranges, .functionOffsetI32, function.symbol)
    relocate(&ranges, .functionOffsetI32, function.symbol, addend: function.size)
  }

  private mutating func writeLocal(_ local: Int, isParameter: Bool, _ function: DefinedFunction, body: Int) {
    let isListed = !isParameter && random.chance(percent: 50)
    details.contents.unsigned(
      isParameter ? Abbreviation.parameter : isListed ? Abbreviation.listedVariable : Abbreviation.variable)
    if isListed {
      sectionOffset(".debug_loc", locations.contents.count)
      let middle = body + (function.size - body) / 2
      // Address pairs relative to a base address: the base, as an entry of its own, is the function.
      locations.contents.little32(0xffff_ffff)
      relocate(&locations, .functionOffsetI32, function.symbol)
      for (start, end) in [(body, middle), (middle, function.size)] where start < end {
        locations.contents.little32(UInt32(start))
        locations.contents.little32(UInt32(end))
        locations.contents.little16(4)
        locations.contents.append([0xed, 0, UInt8(local), 0x9f])
      }
      locations.contents.little32(0)
      locations.contents.little32(0)
    } else {
      details.contents.append([4, 0xed, 0, UInt8(local), 0x9f])
    }
    string((isParameter ? "argument" : "value") + "\(local)")
    details.contents.byte(1)
    details.contents.unsigned(function.lines.first?.line ?? 1)
    type()
  }

  private mutating func writeBlock(_ function: DefinedFunction) {
    let start = function.lines[2].offset
    details.contents.unsigned(Abbreviation.block)
    relocate(&details, .functionOffsetI32, function.symbol, addend: start)
    details.contents.little32(UInt32(function.lines[5].offset - start))
    writeLocal(signatures[function.signature].parameters.count, isParameter: false, function, body: start)
    details.contents.byte(0)
  }

  /// The unqualified name in a mangled one, near enough: the text of its last counted part.
  private static func shortName(_ name: String) -> String {
    guard name.hasPrefix("_Z") else { return name }
    var best = ""
    var rest = name.utf8.dropFirst(2)
    while let first = rest.first, let end = rest.firstIndex(of: UInt8(ascii: "E")), best.isEmpty || first != 0x45 {
      guard first >= 0x30, first <= 0x39 else {
        rest = rest.dropFirst()
        if rest.startIndex > end { break }
        continue
      }
      let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
      let length = Int(String(decoding: digits, as: UTF8.self)) ?? 0
      rest = rest[digits.endIndex...]
      best = String(decoding: rest.prefix(length), as: UTF8.self)
      rest = rest.dropFirst(length)
    }
    return best.isEmpty ? name : best
  }

  // MARK: .debug_line

  private mutating func writeLines() {
    var header = ByteWriter()
    // Minimum instruction length, operations per instruction, default is_stmt, line base, line range, opcode base.
    header.append([1, 1, 1, UInt8(bitPattern: -5), 14, 13])
    header.append([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    for folder in ["src/module\(file % 40)", "include", "/usr/include/c++/v1"] {
      header.append(folder.utf8)
      header.byte(0)
    }
    header.byte(0)
    for (name, folder) in [("file\(file).cpp", 1), ("common.h", 2), ("vector", 3), ("string", 3)] {
      header.append(name.utf8)
      header.byte(0)
      header.unsigned(folder)
      header.append([0, 0])
    }
    header.byte(0)

    lines.contents.little32(0)
    lines.contents.little16(4)
    lines.contents.little32(UInt32(header.count))
    lines.contents.append(header)
    for function in builder.functions { writeSequence(function) }
    lines.contents.patchLittle32(UInt32(lines.contents.count - 4), at: 0)
  }

  private mutating func writeSequence(_ function: DefinedFunction) {
    let first = function.lines.first?.offset ?? 0
    // DW_LNE_set_address
    lines.contents.append([0, 5, 2])
    relocate(&lines, .functionOffsetI32, function.symbol, addend: first)
    var address = first
    var line = 1
    for mark in function.lines {
      let advance = mark.offset - address
      let difference = mark.line - line
      let special = difference + 5 + 14 * advance + 13
      if difference >= -5, difference < 9, special <= 255 {
        lines.contents.byte(UInt8(special))
      } else {
        // DW_LNS_advance_line, DW_LNS_advance_pc, DW_LNS_copy
        lines.contents.byte(3)
        lines.contents.signed(Int64(difference))
        lines.contents.byte(2)
        lines.contents.unsigned(advance)
        lines.contents.byte(1)
      }
      address = mark.offset
      line = mark.line
    }
    lines.contents.byte(2)
    lines.contents.unsigned(function.size - address)
    lines.contents.append([0, 1, 1])
  }

  // MARK: .debug_abbrev

  /// Tags, attributes and forms of DWARF 4, sections 7.5.3 and 7.5.4.
  private static func abbreviations() -> ByteWriter {
    let strp = 0x0e
    let data1 = 0x0b
    let reference = 0x13
    let unsigned = 0x0f
    let address = 0x01
    let expression = 0x18
    let offset = 0x17
    let entries: [(code: Int, tag: Int, children: UInt8, attributes: [(Int, Int)])] = [
      (
        Abbreviation.unit, 0x11, 1,
        [(0x25, strp), (0x13, 0x05), (0x03, strp), (0x10, offset), (0x1b, strp), (0x11, address), (0x55, offset)]
      ),
      (Abbreviation.baseType, 0x24, 0, [(0x03, strp), (0x3e, data1), (0x0b, data1)]),
      (
        Abbreviation.function, 0x2e, 1,
        [
          (0x11, address), (0x12, 0x06), (0x40, expression), (0x6e, strp), (0x03, strp), (0x3a, data1),
          (0x3b, unsigned), (0x49, reference),
        ]
      ),
      (
        Abbreviation.parameter, 0x05, 0,
        [(0x02, expression), (0x03, strp), (0x3a, data1), (0x3b, unsigned), (0x49, reference)]
      ),
      (
        Abbreviation.variable, 0x34, 0,
        [(0x02, expression), (0x03, strp), (0x3a, data1), (0x3b, unsigned), (0x49, reference)]
      ),
      (
        Abbreviation.globalVariable, 0x34, 0,
        [(0x03, strp), (0x49, reference), (0x3a, data1), (0x3b, unsigned), (0x02, expression)]
      ),
      (Abbreviation.callSite, 0x4109, 0, [(0x49, reference), (0x11, address)]),
      (Abbreviation.block, 0x0b, 1, [(0x11, address), (0x12, 0x06)]),
      (Abbreviation.structure, 0x13, 1, [(0x03, strp), (0x0b, data1), (0x3a, data1), (0x3b, data1)]),
      (
        Abbreviation.member, 0x0d, 0,
        [(0x03, strp), (0x49, reference), (0x3a, data1), (0x3b, data1), (0x38, data1)]
      ),
      (Abbreviation.pointer, 0x0f, 0, [(0x49, reference)]),
      (
        Abbreviation.listedVariable, 0x34, 0,
        [(0x02, offset), (0x03, strp), (0x3a, data1), (0x3b, unsigned), (0x49, reference)]
      ),
    ]
    var table = ByteWriter()
    for entry in entries {
      table.unsigned(entry.code)
      table.unsigned(entry.tag)
      table.byte(entry.children)
      for (attribute, form) in entry.attributes {
        table.unsigned(attribute)
        table.unsigned(form)
      }
      table.append([0, 0])
    }
    table.byte(0)
    return table
  }
}
