/// The name section: names for the debugger (WebAssembly specification, Appendix, Name Section, with the
/// extended-name-section proposal).
///
/// Subsections are located when the section is read, and decoded by whoever wants them.
public struct NameSection: Sendable {
  /// The subsections that exist, by their number.
  public enum Subsection: UInt8, CaseIterable, Sendable {
    case module = 0
    case function = 1
    case local = 2
    case label = 3
    case type = 4
    case table = 5
    case memory = 6
    case global = 7
    case element = 8
    case data = 9
    case field = 10
    case tag = 11

    /// Whether names stand below two indices: of a function or type, and of something inside it.
    public var isNested: Bool { self == .local || self == .label || self == .field }
  }

  private var contents: [ByteReader?] = []

  public init() {}

  /// Locates the subsections. A damaged name section carries no meaning for the program, so what cannot be read of it
  /// is passed over, as engines do.
  public init(_ payload: ByteReader) {
    contents = Array(repeating: nil, count: Subsection.allCases.count)
    var reader = payload
    while !reader.isAtEnd {
      guard let code = try? reader.byte(), let size = try? reader.u32(), let content = try? reader.slice(Int(size))
      else { return }
      if let kind = Subsection(rawValue: code), contents[Int(kind.rawValue)] == nil {
        contents[Int(kind.rawValue)] = content
      }
    }
  }

  /// The bytes of a subsection.
  public func content(of subsection: Subsection) -> ByteReader? {
    contents.isEmpty ? nil : contents[Int(subsection.rawValue)]
  }

  /// The name of the module, if it has one.
  public var moduleName: ByteString? {
    guard var reader = content(of: .module) else { return nil }
    return try? reader.name()
  }

  /// The names of a subsection that maps indices to names, in the order of the file.
  public func names(of subsection: Subsection) -> [(index: UInt32, name: ByteString)] {
    guard var reader = content(of: subsection) else { return [] }
    return NameSection.readMap(&reader) ?? []
  }

  /// Calls `body` with the names of a subsection that maps indices to names, in the order of the file. If it is damaged,
  /// those in front of the damage count.
  @inlinable
  public func forEachName(of subsection: Subsection, _ body: (_ index: UInt32, _ name: ByteString) -> Void) {
    guard var reader = content(of: subsection), let count = try? reader.count(minimumSize: 2) else { return }
    for _ in 0..<count {
      guard let index = try? reader.u32(), let name = try? reader.name() else { return }
      body(index, name)
    }
  }

  /// The names of a subsection of nested maps, in the order of the file.
  public func nestedNames(of subsection: Subsection) -> [(index: UInt32, names: [(index: UInt32, name: ByteString)])] {
    guard var reader = content(of: subsection), let count = try? reader.count(minimumSize: 2) else { return [] }
    var result: [(index: UInt32, names: [(index: UInt32, name: ByteString)])] = []
    for _ in 0..<count {
      guard let index = try? reader.u32(), let names = NameSection.readMap(&reader) else { break }
      result.append((index, names))
    }
    return result
  }

  private static func readMap(_ reader: inout ByteReader) -> [(index: UInt32, name: ByteString)]? {
    guard let count = try? reader.count(minimumSize: 2) else { return nil }
    var result: [(index: UInt32, name: ByteString)] = []
    result.reserveCapacity(count)
    for _ in 0..<count {
      guard let index = try? reader.u32(), let name = try? reader.name() else { return nil }
      result.append((index, name))
    }
    return result
  }
}
