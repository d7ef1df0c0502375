/// Writes an archive in the GNU format, with its index of symbols and its table of long names.
enum Archive {
  struct Member {
    var name: String
    var contents: [UInt8]
    /// The symbols it defines for others.
    var symbols: [String]
  }

  static func bytes(_ members: [Member]) -> [UInt8] {
    var longNames: [UInt8] = []
    var headerNames: [String] = []
    for member in members {
      if member.name.utf8.count <= 15 {
        headerNames.append(member.name + "/")
      } else {
        headerNames.append("/\(longNames.count)")
        longNames += Array("\(member.name)/\n".utf8)
      }
    }
    let symbolCount = members.reduce(0) { $0 + $1.symbols.count }
    let indexSize = 4 + 4 * symbolCount + members.reduce(0) { $0 + $1.symbols.reduce(0) { $0 + $1.utf8.count + 1 } }
    var offset = 8 + 60 + padded(indexSize) + 60 + padded(longNames.count)
    var index: [UInt8] = []
    func big32(_ value: Int) {
      for shift in [24, 16, 8, 0] { index.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
    big32(symbolCount)
    for member in members {
      for _ in member.symbols { big32(offset) }
      offset += 60 + padded(member.contents.count)
    }
    for member in members {
      for symbol in member.symbols {
        index += Array(symbol.utf8)
        index.append(0)
      }
    }

    var archive = Array("!<arch>\n".utf8)
    archive.reserveCapacity(offset)
    append(&archive, "/", index)
    append(&archive, "//", longNames)
    for (member, name) in zip(members, headerNames) { append(&archive, name, member.contents) }
    return archive
  }

  private static func padded(_ size: Int) -> Int { size + size % 2 }

  private static func append(_ archive: inout [UInt8], _ name: String, _ contents: [UInt8]) {
    func field(_ text: String, _ width: Int) {
      archive += Array(text.utf8)
      archive += Array(repeating: UInt8(ascii: " "), count: width - text.utf8.count)
    }
    field(name, 16)
    field("0", 12)
    field("0", 6)
    field("0", 6)
    field("644", 8)
    field("\(contents.count)", 10)
    archive += [0x60, 0x0a]
    archive += contents
    if contents.count % 2 == 1 { archive.append(0x0a) }
  }
}
