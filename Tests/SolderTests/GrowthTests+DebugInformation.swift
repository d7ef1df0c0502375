// Debug information that is read once, however often it is referred to.

extension GrowthTests {
  private static func library(_ sections: [(name: String, bytes: DebugBytes)]) -> [(
    name: String, contents: any InputContents
  )] {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16))
    library.function([], [.i32], export: "f", [.i32Const(1)])
    for (name, bytes) in sections { library.custom(name, bytes.bytes) }
    return [("lib.so", library)]
  }

  private static func bytes(_ fill: (inout DebugBytes) -> Void) -> DebugBytes {
    var bytes = DebugBytes()
    fill(&bytes)
    return bytes
  }

  /// A list of ranges of one byte each.
  private static func ranges(_ count: Int) -> DebugBytes {
    bytes {
      $0.counted { list in
        list.bytes += [5, 0, 4, 0]
        list.word(0)
        for _ in 0..<count {
          list.bytes.append(7)
          list.word(3)
          list.bytes.append(1)
        }
        list.bytes.append(0)
      }
    }
  }

  private static func addresses(_ count: Int) -> DebugBytes {
    bytes {
      $0.counted { table in
        table.bytes += [5, 0, 4, 0]
        for _ in 0..<count { table.word(0x10_0000) }
      }
    }
  }

  static let debugInformation: [Sample] = [
    Sample(name: "expressions in each other", size: 1000) { count in
      var expression = DebugBytes()
      // From inside; a byte that says how long it is counts itself.
      var parts: [[UInt8]] = []
      var size = 0
      for _ in 0..<count {
        let part = bytes {
          $0.bytes = [0xA3]
          $0.number(size)
        }
        parts.append(part.bytes)
        size += part.bytes.count
      }
      for part in parts.reversed() { expression.bytes += part }
      let (inner, length) = (expression, size)
      return library([
        (".debug_abbrev", bytes { $0.bytes = [1, 0x11, 1, 0, 0, 2, 0x34, 0, 2, 0x18, 0, 0, 0] }),
        (
          ".debug_info",
          bytes {
            $0.unit(version: 4) {
              $0.bytes += [1, 2]
              $0.number(length)
              $0.bytes += inner.bytes + [0]
            }
          }
        ),
      ])
    },
    Sample(name: "abbreviations in each other", size: 1000) { count in
      library([
        (
          ".debug_abbrev",
          bytes {
            for number in 1...count { $0.bytes += [UInt8(number & 0x7F) | 0x80, UInt8(number >> 7), 0x34, 0, 0, 0] }
            $0.bytes.append(0)
          }
        ),
        (".debug_info", bytes { for number in 0..<count { $0.unit(version: 4, abbreviations: 6 * number) { _ in } } }),
      ])
    },
    Sample(name: "attributes without bytes", size: 1000) { count in
      library([
        (
          ".debug_abbrev",
          bytes {
            $0.bytes += [1, 0x11, 1]
            for _ in 0..<count { $0.bytes += [0x52, 0x21, 5] }
            $0.bytes += [0, 0, 0]
          }
        ),
        (".debug_info", bytes { $0.unit(version: 5) { $0.bytes += [UInt8](repeating: 1, count: count) } }),
      ])
    },
    Sample(name: "entries of a skeleton with one list", size: 1000) { count in
      library([
        (
          ".debug_abbrev",
          bytes { $0.bytes = [1, 0x4A, 1, 0x73, 0x17, 0, 0, 2, 0x34, 0, 0x55, 0x17, 0, 0, 0] }
        ),
        (
          ".debug_info",
          bytes {
            $0.unit(version: 5, type: 4) {
              $0.bytes.append(1)
              $0.word(8)
              for _ in 0..<count {
                $0.bytes.append(2)
                $0.word(12)
              }
              $0.bytes.append(0)
            }
          }
        ), (".debug_rnglists", ranges(count)), (".debug_addr", addresses(4)),
      ])
    },
    Sample(name: "skeletons with the same addresses", size: 1000) { count in
      library([
        (".debug_abbrev", bytes { $0.bytes = [1, 0x4A, 0, 0x73, 0x17, 0, 0, 0] }),
        (
          ".debug_info",
          bytes {
            for _ in 0..<count {
              $0.unit(version: 5, type: 4) {
                $0.bytes.append(1)
                $0.word(8)
              }
            }
          }
        ), (".debug_addr", addresses(count)),
      ])
    },
    Sample(name: "addresses of a skeleton with many ranges", size: 2000) { count in
      library([
        (".debug_abbrev", bytes { $0.bytes = [1, 0x4A, 0, 0x73, 0x17, 0x55, 0x17, 0, 0, 0] }),
        (
          ".debug_info",
          bytes {
            $0.unit(version: 5, type: 4) {
              $0.bytes.append(1)
              $0.word(8)
              $0.word(12)
            }
          }
        ), (".debug_rnglists", ranges(count)), (".debug_addr", addresses(count)),
      ])
    },
  ]
}
