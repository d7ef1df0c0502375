/// An `ar` archive with GNU's names and symbol index.
///
///     var archive = ArchiveBuilder()
///     archive.add("helper.o", helper)            // a ModuleBuilder: its symbols go into the index
///     archive.add("raw.o", bytes, symbols: ["x"])
struct ArchiveBuilder: Sendable {
  var members: [(name: String, bytes: [UInt8], symbols: [String])] = []
  var hasIndex = true
  /// A thin archive names files, which the test must write, and holds only the index.
  var isThin = false

  mutating func add(_ name: String, _ module: ModuleBuilder) {
    members.append((name, module.bytes, module.linking?.definedNames ?? []))
  }

  mutating func add(_ name: String, _ bytes: [UInt8], symbols: [String] = []) {
    members.append((name, bytes, symbols))
  }

  var bytes: [UInt8] {
    var longNames: [UInt8] = []
    let nameFields = members.map { member in
      if member.name.utf8.count < 16, !isThin { return member.name + "/" }
      defer { longNames += Array(member.name.utf8) + Array("/\n".utf8) }
      return "/\(longNames.count)"
    }
    let magic = Array((isThin ? "!<thin>\n" : "!<arch>\n").utf8)
    let symbols = members.flatMap(\.symbols)
    let indexSize = 4 + 4 * symbols.count + symbols.reduce(0) { $0 + $1.utf8.count + 1 }
    func padded(_ size: Int) -> Int { size + size & 1 }
    var position = magic.count
    if hasIndex { position += 60 + padded(indexSize) }
    if !longNames.isEmpty { position += 60 + padded(longNames.count) }
    var offsets: [Int] = []
    for member in members {
      offsets.append(position)
      position += 60 + (isThin ? 0 : padded(member.bytes.count))
    }

    var out = magic
    func add(_ name: String, _ content: [UInt8], size: Int? = nil) {
      func field(_ text: String, _ width: Int) {
        out += Array(text.utf8) + Array(repeating: 0x20, count: width - text.utf8.count)
      }
      for (text, width) in [(name, 16), ("0", 12), ("0", 6), ("0", 6), ("644", 8), ("\(size ?? content.count)", 10)] {
        field(text, width)
      }
      out += [0x60, 0x0A] + content
      if content.count & 1 == 1 { out.append(0x0A) }
    }
    if hasIndex {
      var index: [UInt8] = []
      func bigEndian(_ value: Int) { index += (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
      bigEndian(symbols.count)
      for (member, offset) in zip(members, offsets) { for _ in member.symbols { bigEndian(offset) } }
      for symbol in symbols { index += Array(symbol.utf8) + [0] }
      add("/", index)
    }
    if !longNames.isEmpty { add("//", longNames) }
    for (member, name) in zip(members, nameFields) {
      add(name, isThin ? [] : member.bytes, size: member.bytes.count)
    }
    return out
  }
}
