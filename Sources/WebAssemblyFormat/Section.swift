/// Section identifiers (WebAssembly specification, Binary Format, Modules, Sections).
@frozen
public enum SectionID: UInt8, Sendable {
  case custom = 0
  case type = 1
  case `import` = 2
  case function = 3
  case table = 4
  case memory = 5
  case global = 6
  case export = 7
  case start = 8
  case element = 9
  case code = 10
  case data = 11
  case dataCount = 12
  case tag = 13

  /// Where the section stands among those of a module (WebAssembly specification, Binary Format, Modules); custom
  /// sections may stand anywhere.
  var position: Int {
    switch self {
    case .custom: 0
    case .type: 1
    case .import: 2
    case .function: 3
    case .table: 4
    case .memory: 5
    case .tag: 6
    case .global: 7
    case .export: 8
    case .start: 9
    case .element: 10
    case .dataCount: 11
    case .code: 12
    case .data: 13
    }
  }

  /// The name that LLVM's tools show.
  public var conventionalName: String {
    switch self {
    case .custom: "CUSTOM"
    case .type: "TYPE"
    case .import: "IMPORT"
    case .function: "FUNCTION"
    case .table: "TABLE"
    case .memory: "MEMORY"
    case .global: "GLOBAL"
    case .export: "EXPORT"
    case .start: "START"
    case .element: "ELEM"
    case .code: "CODE"
    case .data: "DATA"
    case .dataCount: "DATACOUNT"
    case .tag: "TAG"
    }
  }
}

/// What an import or an export names (WebAssembly specification, Import Section).
@frozen
public enum ExternalKind: UInt8, Sendable {
  case function = 0
  case table = 1
  case memory = 2
  case global = 3
  case tag = 4
}

/// One section of a module: where its payload lies, and for a custom section its name.
public struct Section: Sendable {
  public let id: SectionID
  /// The name of a custom section; empty for the others.
  public let name: ByteString
  /// The payload, behind the size and, for a custom section, behind the name.
  public let payload: ByteReader
  /// Position among all sections of the file, which `reloc.*` sections refer to.
  public let index: Int
}

/// Steps through the sections of a module.
///
/// WebAssembly specification, Binary Format, Modules: every section but custom ones comes at most once, and in this
/// order. What one section says is read by the sections behind it, so a file that breaks the rule is refused here.
public struct SectionReader {
  private var reader: ByteReader
  private var index = 0
  private var last: SectionID?

  /// Checks the magic number and the version.
  ///
  /// - Throws: ``FormatError`` when the bytes are not a core WebAssembly module of version 1.
  public init(_ file: ByteReader) throws(FormatError) {
    reader = file
    guard file.remaining >= 8 else { throw FormatError("file is too short for a WebAssembly module", at: file.offset) }
    let magic = try reader.fixed32()
    guard magic == 0x6d73_6100 else { throw FormatError("not a WebAssembly module", at: file.offset) }
    let version = try reader.fixed32()
    guard version == 1 else { throw FormatError("invalid version number: \(version)", at: file.offset + 4) }
  }

  /// The next section, or `nil` behind the last one.
  public mutating func next() throws(FormatError) -> Section? {
    guard !reader.isAtEnd else { return nil }
    let start = reader.offset
    let code = try reader.byte()
    let size = Int(try reader.u32())
    guard size <= reader.remaining else {
      throw FormatError("section \(code) of \(size) bytes is longer than the rest of the file", at: start)
    }
    guard let id = SectionID(rawValue: code) else { throw FormatError("unknown section \(code)", at: start) }
    if id != .custom {
      if let last, last.position >= id.position {
        let place = last == id ? "second" : "out of order, behind the \(last.conventionalName) section:"
        throw FormatError("\(place) \(id.conventionalName) section", at: start)
      }
      last = id
    }
    var payload = try reader.slice(size)
    let name = id == .custom ? try payload.name() : ByteString("")
    defer { index += 1 }
    return Section(id: id, name: name, payload: payload, index: index)
  }

  /// The name of the section that has an offset in its content, as far as the file can be read; a custom section's own.
  public static func nameOfSection(at offset: Int, in file: ByteReader) -> String? {
    guard var reader = try? SectionReader(file) else { return nil }
    while let section = try? reader.next() {
      guard offset > section.payload.end else {
        guard offset >= section.payload.offset else { return nil }
        return section.id == .custom ? section.name.description : section.id.conventionalName
      }
    }
    return nil
  }
}
