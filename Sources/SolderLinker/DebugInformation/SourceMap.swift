import JSON
import WebAssemblyFormat

// Source maps: for compilers that have nothing else, which line each instruction is of (ECMA-426). A module is one line to
// them, and a byte of it is a column. The mappings are a row of segments, in numbers of base 64 that each count from the
// one before: offset in the file, source, line, column, and name if there is one; or an offset alone, from which on nothing
// is known.

/// A source map of a module.
struct SourceMap {
  struct Segment: Equatable {
    var offset: UInt32
    /// Where the instruction comes from, if that is known.
    var position: Position?
  }

  struct Position: Equatable {
    var source: Int
    var line: Int
    var column: Int
    var name: Int?
  }

  /// The names of the sources, in UTF-8, and their contents as far as the map has them. Of some it knows no name.
  var sources: [[UInt8]?] = []
  var contents: [[UInt8]?] = []
  var names: [[UInt8]] = []
  /// Those of the sources that debuggers step over.
  var ignored: Set<Int> = []
  /// By offset.
  var segments: [Segment] = []

  init() {}

  /// Reads a map, or one that consists of maps.
  ///
  /// - Throws: ``FormatError`` when it is none of a module.
  init(_ bytes: ByteReader) throws(FormatError) {
    var bytes = bytes
    if bytes.remaining >= 3, bytes[bytes.offset..<bytes.offset + 3].elementsEqual([0xEF, 0xBB, 0xBF]) {
      bytes.offset += 3
    }
    var json = JSONReader(bytes)
    // What stands in front of JSON so that nobody takes it for a script.
    if json.skip(")") {
      while let byte = json.reader.peek(), byte != 0x0A { json = JSONReader(bytes[json.reader.offset + 1..<bytes.end]) }
    }
    try read(&json, isPart: false)
  }

  /// - Parameter isPart: whether it is in another map, and so has no parts itself.
  private mutating func read(_ json: inout JSONReader, isPart: Bool) throws(FormatError) {
    let start = json.reader.offset
    var root: [UInt8] = []
    var mappings: [UInt8]?
    var parts: [(start: Int, map: SourceMap)]?
    var version: Int?
    try json.object { (json, name) throws(FormatError) in
      switch String(decoding: name, as: UTF8.self) {
      case "version": version = try json.integer()
      case "sourceRoot": root = try json.optionalString() ?? []
      case "sources":
        try json.optionalArray { (json) throws(FormatError) in self.sources.append(try json.optionalString()) }
      case "sourcesContent":
        try json.optionalArray { (json) throws(FormatError) in self.contents.append(try json.optionalString()) }
      case "names": try json.optionalArray { (json) throws(FormatError) in self.names.append(try json.string()) }
      case "ignoreList", "x_google_ignoreList":
        try json.optionalArray { (json) throws(FormatError) in self.ignored.insert(try json.integer()) }
      case "mappings": mappings = try json.string()
      case "sections":
        if isPart { throw FormatError("a part of it consists of parts", at: json.reader.offset) }
        parts = try SourceMap.parts(&json)
      default: try json.skipValue()
      }
    }
    guard version == 3 else { throw FormatError("its version is not 3", at: start) }
    // One for each source, so that those of parts can stand behind each other.
    contents.removeLast(max(contents.count - sources.count, 0))
    while contents.count < sources.count { contents.append(nil) }
    ignored = ignored.filter { sources.indices.contains($0) }
    if !root.isEmpty {
      if root.last != UInt8(ascii: "/") { root.append(UInt8(ascii: "/")) }
      sources = sources.map { source in source.map { SourceFolders.isAbsolute($0) ? $0 : root + $0 } }
    }
    if let parts {
      for part in parts { try append(part.map, at: part.start, start) }
      sortSegments()
      return
    }
    guard let mappings else { throw FormatError("it has no mappings", at: start) }
    do throws(FormatError) {
      try read(mappings: mappings)
    } catch {
      throw FormatError("mappings: \(error.message)", at: error.offset)
    }
  }

  /// The maps that a map consists of, and where in the module each begins.
  private static func parts(_ json: inout JSONReader) throws(FormatError) -> [(start: Int, map: SourceMap)] {
    var parts: [(start: Int, map: SourceMap)] = []
    try json.array { (json) throws(FormatError) in
      let at = json.reader.offset
      var (start, map): (Int, SourceMap?) = (0, nil)
      try json.object { (json, name) throws(FormatError) in
        switch String(decoding: name, as: UTF8.self) {
        case "offset":
          try json.object { (json, name) throws(FormatError) in
            let value = try json.integer()
            if name.elementsEqual("column".utf8) { start = value }
            if name.elementsEqual("line".utf8), value != 0 { throw FormatError("a module has one line", at: at) }
          }
        case "map":
          var part = SourceMap()
          try part.read(&json, isPart: true)
          map = part
        default: try json.skipValue()
        }
      }
      guard let map else { throw FormatError("a part of it has no map", at: at) }
      parts.append((start, map))
    }
    return parts
  }

  private mutating func append(_ part: SourceMap, at start: Int, _ place: Int) throws(FormatError) {
    for var segment in part.segments {
      guard let offset = UInt32(exactly: start + Int(segment.offset)) else {
        throw FormatError("offset \(start + Int(segment.offset)) in a module", at: place)
      }
      segment.offset = offset
      segment.position?.source += sources.count
      if let name = segment.position?.name { segment.position?.name = name + names.count }
      segments.append(segment)
    }
    ignored.formUnion(part.ignored.map { $0 + sources.count })
    sources += part.sources
    contents += part.contents
    names += part.names
  }

  /// - Throws: ``FormatError`` with the offset in the text.
  private mutating func read(mappings: [UInt8]) throws(FormatError) {
    var place = 0
    var (offset, source, line, column, name) = (0, 0, 0, 0, 0)
    while place < mappings.count {
      let at = place
      if mappings[place] == UInt8(ascii: ",") {
        place += 1
        continue
      }
      if mappings[place] == UInt8(ascii: ";") {
        guard mappings[place...].allSatisfy({ $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: ",") }) else {
          throw FormatError("a module has one line", at: at)
        }
        break
      }
      var fields: [Int] = []
      while place < mappings.count, mappings[place] != UInt8(ascii: ","), mappings[place] != UInt8(ascii: ";") {
        guard fields.count < 5, let field = SourceMap.number(mappings, &place) else {
          throw FormatError("damaged segment", at: at)
        }
        fields.append(field)
      }
      offset += fields[0]
      guard let start = UInt32(exactly: offset) else { throw FormatError("offset \(offset) in a module", at: at) }
      var segment = Segment(offset: start)
      if fields.count >= 4 {
        (source, line, column) = (source + fields[1], line + fields[2], column + fields[3])
        if fields.count == 5 { name += fields[4] }
        guard sources.indices.contains(source), line >= 0, column >= 0, fields.count < 5 || names.indices.contains(name)
        else { throw FormatError("segment is of what the map does not have", at: at) }
        segment.position = Position(source: source, line: line, column: column, name: fields.count == 5 ? name : nil)
      } else if fields.count != 1 {
        throw FormatError("segment of \(fields.count) numbers", at: at)
      }
      segments.append(segment)
    }
    sortSegments()
  }

  private mutating func sortSegments() {
    if !zip(segments, segments.dropFirst()).allSatisfy({ $0.offset <= $1.offset }) {
      segments.sort { $0.offset < $1.offset }
    }
  }

  // MARK: Numbers

  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The value of a digit of base 64.
  static func digit(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  private static func number(_ text: [UInt8], _ place: inout Int) -> Int? {
    var (value, shift) = (0, 0)
    while place < text.count, let digit = digit(text[place]), shift < 40 {
      place += 1
      value |= (digit & 31) << shift
      shift += 5
      if digit & 32 == 0 { return value & 1 == 0 ? value >> 1 : -(value >> 1) }
    }
    return nil
  }

  private static func add(_ number: Int, to text: inout [UInt8]) {
    var rest = number < 0 ? -number << 1 | 1 : number << 1
    repeat {
      let more = rest >> 5 != 0
      text.append(digits[rest & 31 | (more ? 32 : 0)])
      rest >>= 5
    } while rest != 0
  }

  // MARK: Writing

  /// The map as JSON.
  ///
  /// - Parameter file: the name of the module.
  func text(file: String) -> [UInt8] {
    var text = Array("{\"version\":3,\"file\":".utf8)
    SourceMap.add(string: Array(file.utf8), to: &text)
    func add(_ name: String, _ values: [[UInt8]?]) {
      text += Array(",\"\(name)\":[".utf8)
      for (index, value) in values.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        if let value { SourceMap.add(string: value, to: &text) } else { text += Array("null".utf8) }
      }
      text.append(UInt8(ascii: "]"))
    }
    add("sources", sources)
    if contents.contains(where: { $0 != nil }) { add("sourcesContent", contents) }
    add("names", names)
    if !ignored.isEmpty {
      text += Array(",\"ignoreList\":[\(ignored.sorted().map(String.init).joined(separator: ","))]".utf8)
    }
    text += Array(",\"mappings\":\"".utf8)
    var (offset, source, line, column, name) = (0, 0, 0, 0, 0)
    for (index, segment) in segments.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      SourceMap.add(Int(segment.offset) - offset, to: &text)
      offset = Int(segment.offset)
      guard let position = segment.position else { continue }
      SourceMap.add(position.source - source, to: &text)
      SourceMap.add(position.line - line, to: &text)
      SourceMap.add(position.column - column, to: &text)
      (source, line, column) = (position.source, position.line, position.column)
      guard let own = position.name else { continue }
      SourceMap.add(own - name, to: &text)
      name = own
    }
    text += Array("\"}\n".utf8)
    return text
  }

  private static func add(string: [UInt8], to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in string {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        text += Array(("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
