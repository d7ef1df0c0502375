/// The outline of a WebAssembly module, read with nothing of the linker's own code, so that a mistake there cannot hide itself.
///
/// It reads results that are already validated; what it does not expect throws.
struct ModuleDescription: Sendable {
  enum Kind: UInt8, Sendable { case function, table, memory, global, tag }

  struct Limits: Sendable, Equatable {
    var minimum: UInt64
    var maximum: UInt64?
    var isShared = false
    var is64Bit = false
  }

  struct Import: Sendable, Equatable, CustomStringConvertible {
    let module: String
    let name: String
    let kind: Kind
    var limits: Limits?
    var description: String { "\(module).\(name) (\(kind))" }
  }

  struct Export: Sendable, Equatable, CustomStringConvertible {
    let name: String
    let kind: Kind
    let index: Int
    var description: String { "\(name) (\(kind) \(index))" }
  }

  struct Section: Sendable {
    let identifier: UInt8
    /// Name of a custom section, else empty.
    let name: String
    let contents: Range<Int>
  }

  private(set) var sections: [Section] = []
  private(set) var imports: [Import] = []
  private(set) var exports: [Export] = []
  private(set) var memories: [Limits] = []
  private(set) var tables: [Limits] = []
  /// Defined globals: whether mutable, and the value when it is a plain constant.
  private(set) var globals: [(isMutable: Bool, value: Int64?)] = []
  /// Encodings of the type section's function types; empty when it holds types of another kind.
  private(set) var functionTypes: [[UInt8]] = []
  private(set) var start: Int?
  private(set) var definedFunctionCount = 0
  /// Names by the index of their subsection: 1 functions, 2 locals (as "function local"), 7 globals, 9 data.
  private(set) var names: [UInt8: [String]] = [:]
  /// Names of functions by their indices.
  private(set) var functionNamesByIndex: [Int: String] = [:]

  var customSections: [Section] { sections.filter { $0.identifier == 0 } }
  var functionNames: [String] { names[1] ?? [] }

  /// The export with this name.
  func export(_ name: String) -> Export? { exports.first { $0.name == name } }

  /// Value of the exported constant global with this name.
  func exportedConstant(_ name: String) -> Int64? {
    guard let export = export(name), export.kind == .global else { return nil }
    let imported = imports.count { $0.kind == .global }
    return export.index >= imported && !globals[export.index - imported].isMutable
      ? globals[export.index - imported].value : nil
  }

  init(_ bytes: [UInt8]) throws {
    var reader = Reader(bytes: bytes, position: 0, end: bytes.count)
    guard bytes.count >= 8, bytes[..<8] == [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0] else { throw ToolFailure("not a module") }
    reader.position = 8
    while reader.position < reader.end {
      let identifier = try reader.byte()
      let size = try reader.number()
      var body = Reader(bytes: bytes, position: reader.position, end: reader.position + size)
      guard body.end <= bytes.count else { throw ToolFailure("section \(identifier) is too long") }
      reader.position = body.end
      let name = identifier == 0 ? try body.text() : ""
      sections.append(Section(identifier: identifier, name: name, contents: body.position..<body.end))
      try readSection(identifier, name, &body)
    }
  }

  private mutating func readSection(_ identifier: UInt8, _ name: String, _ body: inout Reader) throws {
    switch identifier {
    case 0 where name == "name": try readNames(&body)
    case 1: functionTypes = (try? body.list { try $0.functionType() }) ?? []
    case 2: imports = try body.list { try $0.readImport() }
    case 3: definedFunctionCount = try body.number()
    case 4: tables = try body.list { try $0.table() }
    case 5: memories = try body.list { try $0.limits() }
    case 6: globals = try body.list { try $0.global() }
    case 7:
      exports = try body.list { Export(name: try $0.text(), kind: try $0.kind(), index: try $0.number()) }
    case 8: start = try body.number()
    default: break
    }
  }

  private mutating func readNames(_ body: inout Reader) throws {
    while body.position < body.end {
      let kind = try body.byte()
      let size = try body.number()
      var part = Reader(bytes: body.bytes, position: body.position, end: body.position + size)
      body.position = part.end
      switch kind {
      // Locals, labels and fields belong to something.
      case 2, 3, 10:
        names[kind] = try part.list { reader in
          let function = try reader.number()
          return try reader.list { "\(function) \(try $0.number()) \(try $0.text())" }
        }.flatMap { $0 }
      case 0: names[kind] = [try part.text()]
      default:
        let entries = try part.list { (index: try $0.number(), name: try $0.text()) }
        names[kind] = entries.map(\.name)
        if kind == 1 { functionNamesByIndex = Dictionary(entries.map { ($0.index, $0.name) }) { first, _ in first } }
      }
    }
  }
}

private struct Reader {
  let bytes: [UInt8]
  var position: Int
  let end: Int

  mutating func byte() throws -> UInt8 {
    guard position < end else { throw ToolFailure("the module ends early") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func unsigned() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = try byte()
      value |= UInt64(next & 0x7f) << shift
      shift += 7
      if next < 0x80 { return value }
    }
  }

  mutating func number() throws -> Int { Int(try unsigned()) }

  mutating func signed() throws -> Int64 {
    var value: Int64 = 0
    var shift: Int64 = 0
    while true {
      let next = try byte()
      value |= Int64(next & 0x7f) << shift
      shift += 7
      if next < 0x80 { return shift < 64 && next & 0x40 != 0 ? value | (-1 << shift) : value }
    }
  }

  mutating func text() throws -> String {
    let count = try number()
    guard position + count <= end else { throw ToolFailure("a name is too long") }
    defer { position += count }
    return String(decoding: bytes[position..<position + count], as: UTF8.self)
  }

  mutating func list<Element>(_ element: (inout Reader) throws -> Element) throws -> [Element] {
    try (0..<(try number())).map { _ in try element(&self) }
  }

  mutating func kind() throws -> ModuleDescription.Kind {
    guard let kind = ModuleDescription.Kind(rawValue: try byte()) else {
      throw ToolFailure("an unknown kind of entity")
    }
    return kind
  }

  /// Bytes of one entry of the type section, which has to be a function type outside of any group.
  mutating func functionType() throws -> [UInt8] {
    let first = position
    guard try byte() == 0x60 else { throw ToolFailure("not a function type") }
    for _ in 0..<2 { _ = try list { try $0.valueType() } }
    return Array(bytes[first..<position])
  }

  mutating func limits() throws -> ModuleDescription.Limits {
    let flags = try byte()
    var limits = ModuleDescription.Limits(minimum: try unsigned(), isShared: flags & 2 != 0, is64Bit: flags & 4 != 0)
    if flags & 1 != 0 { limits.maximum = try unsigned() }
    if flags & 8 != 0 { _ = try number() }
    return limits
  }

  mutating func valueType() throws {
    if [0x63, 0x64].contains(try byte()) { _ = try signed() }
  }

  mutating func table() throws -> ModuleDescription.Limits {
    let hasInitializer = bytes[position] == 0x40
    if hasInitializer { position += 2 }
    try valueType()
    let limits = try limits()
    if hasInitializer { try expression() }
    return limits
  }

  mutating func global() throws -> (isMutable: Bool, value: Int64?) {
    try valueType()
    let isMutable = try byte() == 1
    let value = try expression()
    return (isMutable, value)
  }

  /// Steps over a constant expression; returns its value when it is a single integer constant.
  @discardableResult
  mutating func expression() throws -> Int64? {
    var value: Int64?
    var count = 0
    while true {
      let instruction = try byte()
      if instruction == 0x0b { return count == 1 ? value : nil }
      count += 1
      switch instruction {
      case 0x41, 0x42: value = try signed()
      case 0x43: position += 4
      case 0x44: position += 8
      case 0x23, 0xd2: _ = try number()
      case 0xd0: _ = try signed()
      case 0x6a...0x6c, 0x7c...0x7e: break
      case 0xfb:
        switch try number() {
        case 0, 1, 6, 7: _ = try number()
        case 8:
          _ = try number()
          _ = try number()
        default: break
        }
      case 0xfd:
        _ = try number()
        position += 16
      default: throw ToolFailure("instruction \(instruction) in a constant expression")
      }
    }
  }

  mutating func readImport() throws -> ModuleDescription.Import {
    let module = try text()
    let name = try text()
    let kind = try kind()
    var limits: ModuleDescription.Limits?
    switch kind {
    case .function: _ = try number()
    case .table: limits = try table()
    case .memory: limits = try self.limits()
    case .global:
      try valueType()
      _ = try byte()
    case .tag:
      _ = try byte()
      _ = try number()
    }
    return .init(module: module, name: name, kind: kind, limits: limits)
  }
}
