/// A module as a tree: what says how long or how many something is, is written anew from what it says that of. A part
/// that is not understood is bytes.
indirect enum ModuleTree {
  case bytes([UInt8])
  /// Bytes in front, then the size of the parts in bytes, then the parts.
  case sized([UInt8], [ModuleTree])
  /// The number of the items, then the items.
  case list([ModuleTree])

  static let magic: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]

  /// The sections of a module; nil if it is none.
  static func sections(of module: [UInt8]) -> [ModuleTree]? {
    guard module.starts(with: magic) else { return nil }
    var reader = TreeReader(module[8...])
    var sections: [ModuleTree] = []
    while let id = reader.byte() {
      guard let payload = reader.sized() else {
        sections.append(.bytes([id] + reader.rest))
        break
      }
      sections.append(.sized([id], contents(id, payload)))
    }
    return sections
  }

  static func module(_ sections: [ModuleTree]) -> [UInt8] {
    var result = magic
    for section in sections { section.write(to: &result) }
    return result
  }

  func write(to result: inout [UInt8]) {
    switch self {
    case .bytes(let bytes): result += bytes
    case .sized(let head, let parts):
      var content: [UInt8] = []
      for part in parts { part.write(to: &content) }
      result += head + leb(UInt64(content.count)) + content
    case .list(let items):
      result += leb(UInt64(items.count))
      for item in items { item.write(to: &result) }
    }
  }

  var written: [UInt8] {
    var result: [UInt8] = []
    write(to: &result)
    return result
  }

  // MARK: What is in a section

  private static func contents(_ id: UInt8, _ payload: ArraySlice<UInt8>) -> [ModuleTree] {
    var reader = TreeReader(payload)
    let parts: [ModuleTree]? =
      switch id {
      case 0: custom(&reader)
      case 2: list(&reader) { $0.skipName() && $0.skipName() && $0.skipImport() }
      case 3: list(&reader) { $0.number() != nil }
      case 6: list(&reader) { $0.skip(2) && $0.skipExpression() }
      case 7: list(&reader) { $0.skipName() && $0.skip(1) && $0.number() != nil }
      case 10: sizedList(&reader)
      case 11: list(&reader) { $0.skipSegment() }
      default: nil
      }
    guard let parts else { return [.bytes(Array(payload))] }
    return reader.rest.isEmpty ? parts : parts + [.bytes(Array(reader.rest))]
  }

  private static func list(
    _ reader: inout TreeReader, _ skip: (_ item: inout TreeReader) -> Bool
  ) -> [ModuleTree]? {
    guard let count = reader.number() else { return nil }
    var items: [ModuleTree] = []
    for _ in 0..<count {
      let start = reader.rest
      guard skip(&reader) else { return nil }
      items.append(.bytes(Array(start.prefix(start.count - reader.rest.count))))
    }
    return [.list(items)]
  }

  private static func sizedList(_ reader: inout TreeReader) -> [ModuleTree]? {
    guard let count = reader.number() else { return nil }
    var items: [ModuleTree] = []
    for _ in 0..<count {
      guard let content = reader.sized() else { return nil }
      items.append(.sized([], [.bytes(Array(content))]))
    }
    return [.list(items)]
  }

  private static func custom(_ reader: inout TreeReader) -> [ModuleTree]? {
    let start = reader.rest
    guard reader.skipName(), let length = start.first else { return nil }
    let head = start.prefix(start.count - reader.rest.count)
    let name = String(decoding: head.dropFirst().prefix(Int(length)), as: UTF8.self)
    switch name {
    case "linking":
      guard reader.skip(1) else { return nil }
      let version = start.prefix(start.count - reader.rest.count)
      return [.bytes(Array(version))] + subsections(&reader, symbolTable: 8)
    case "dylink.0", "name": return [.bytes(Array(head))] + subsections(&reader, symbolTable: nil)
    case _ where name.hasPrefix("reloc."):
      guard reader.number() != nil else { return nil }
      let section = start.prefix(start.count - reader.rest.count)
      guard let entries = list(&reader, { (entry: inout TreeReader) in entry.skipRelocation() }) else { return nil }
      return [.bytes(Array(section))] + entries
    default: return [.bytes(Array(head))]
    }
  }

  private static func subsections(
    _ reader: inout TreeReader, symbolTable: UInt8?
  ) -> [ModuleTree] {
    var parts: [ModuleTree] = []
    while true {
      let start = reader.rest
      guard let id = reader.byte(), let payload = reader.sized() else {
        reader.rest = start
        return parts
      }
      let table = id == symbolTable ? symbols(payload) : nil
      parts.append(.sized([id], table ?? [.bytes(Array(payload))]))
    }
  }

  private static func symbols(_ payload: ArraySlice<UInt8>) -> [ModuleTree]? {
    var reader = TreeReader(payload)
    guard let parts = list(&reader, { (symbol: inout TreeReader) in symbol.skipSymbol() }) else { return nil }
    return parts + [.bytes(Array(reader.rest))]
  }
}

/// The number in as few bytes as it takes.
func leb(_ value: UInt64) -> [UInt8] {
  var value = value
  var bytes: [UInt8] = []
  while value >= 0x80 {
    bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
    value >>= 7
  }
  return bytes + [UInt8(value)]
}

/// A cursor that goes no further when it does not understand.
struct TreeReader {
  var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func byte() -> UInt8? { rest.popFirst() }

  mutating func number() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    return nil
  }

  mutating func sized() -> ArraySlice<UInt8>? {
    guard let size = number(), size <= rest.count else { return nil }
    defer { rest = rest.dropFirst(Int(size)) }
    return rest.prefix(Int(size))
  }

  mutating func skip(_ count: Int) -> Bool {
    guard count <= rest.count else { return false }
    rest = rest.dropFirst(count)
    return true
  }

  mutating func skipName() -> Bool { sized() != nil }

  private mutating func skipLimits() -> Bool {
    guard let flags = byte(), number() != nil else { return false }
    return flags & 1 == 0 || number() != nil
  }

  mutating func skipImport() -> Bool {
    switch byte() {
    case 0: number() != nil
    case 1: skip(1) && skipLimits()
    case 2: skipLimits()
    case 3: skip(2)
    case 4: skip(1) && number() != nil
    default: false
    }
  }

  /// Up to the end of a constant expression, if it is an ordinary one.
  mutating func skipExpression() -> Bool {
    while let opcode = byte() {
      switch opcode {
      case 0x0B: return true
      case 0x41, 0x42, 0x23, 0xD2, 0xD0: if number() == nil { return false }
      case 0x43: if !skip(4) { return false }
      case 0x44: if !skip(8) { return false }
      case 0x6A...0x6C, 0x7C...0x7E: continue
      default: return false
      }
    }
    return false
  }

  mutating func skipSegment() -> Bool {
    guard let flags = number() else { return false }
    if flags == 2, number() == nil { return false }
    if flags != 1, !skipExpression() { return false }
    return sized() != nil
  }

  mutating func skipSymbol() -> Bool {
    guard let kind = byte(), let flags = number() else { return false }
    let isUndefined = flags & 0x10 != 0
    switch kind {
    case 1: return skipName() && (isUndefined || number() != nil && number() != nil && number() != nil)
    case 3: return number() != nil
    default: return number() != nil && (isUndefined && flags & 0x40 == 0 || skipName())
    }
  }

  mutating func skipRelocation() -> Bool {
    guard let kind = byte(), number() != nil, number() != nil else { return false }
    return [3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25, 27].contains(kind) ? number() != nil : true
  }
}
