import Testing

/// The lines of a module's code, as LLVM reads them.
struct LineTable {
  /// What the debug information says of an instruction.
  struct Line: Hashable, CustomStringConvertible {
    var file: String
    var line: Int
    var column: Int
    var description: String { "\(file):\(line):\(column)" }
  }

  private struct Sequence {
    var start: Int
    var end: Int
    var rows: [(address: Int, line: Line)]
  }

  /// By where they begin.
  private let sequences: [Sequence]

  var isEmpty: Bool { sequences.isEmpty }

  /// - Parameter path: of the module.
  init(_ path: String) async throws {
    var (sequences, rows): ([Sequence], [(Int, Line)]) = ([], [])
    var (names, number): ([Int: String], Int) = ([:], 0)
    for text in try await require(Tool.debugReader.path(), ["--debug-line", path]).split(separator: "\n") {
      if text.hasPrefix("debug_line[") {
        names = [:]
      } else if let found = text.wholeMatch(of: /file_names\[ *(\d+)\]:/) {
        number = try #require(Int(found.1))
      } else if let found = text.wholeMatch(of: / +name: "(.*)"/) {
        names[number] = String(found.1)
      } else if let found = text.wholeMatch(of: /0x([0-9a-f]+) +(\d+) +(\d+) +(\d+) +.*/) {
        let address = try #require(Int(found.1, radix: 16))
        if text.contains("end_sequence") {
          if let first = rows.first { sequences.append(Sequence(start: first.0, end: address, rows: rows)) }
          rows = []
        } else {
          let file = try #require(Int(found.4))
          rows.append((address, Line(file: names[file] ?? "", line: Int(found.2) ?? -1, column: Int(found.3) ?? -1)))
        }
      }
    }
    // What is not in the module was given an address beyond all code.
    self.sequences = sequences.filter { $0.start < 0xFFFF_FFF0 }.sorted { $0.start < $1.start }
  }

  /// The line of the instruction at an offset of the code section; of several rows there the last one counts.
  subscript(address: Int) -> Line? {
    var (low, high) = (0, sequences.count)
    while low < high {
      let middle = (low + high) / 2
      if sequences[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, sequences[low - 1].end > address else { return nil }
    return sequences[low - 1].rows.last { $0.address <= address }?.line
  }
}
