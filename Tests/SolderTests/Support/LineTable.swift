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
      if text.hasPrefix("0x") {
        // Address, line, column, file.
        let words = text.split(separator: " ", maxSplits: 4)
        guard words.count == 5, let address = Int(words[0].dropFirst(2), radix: 16), let file = Int(words[3]) else {
          continue
        }
        if text.hasSuffix("end_sequence") {
          if let first = rows.first { sequences.append(Sequence(start: first.0, end: address, rows: rows)) }
          rows = []
        } else {
          let line = Line(file: names[file] ?? "", line: Int(words[1]) ?? -1, column: Int(words[2]) ?? -1)
          rows.append((address, line))
        }
      } else if text.hasPrefix("debug_line[") {
        try #require(rows.isEmpty, "a sequence of lines does not end")
        names = [:]
      } else if let found = text.wholeMatch(of: /file_names\[ *(\d+)\]:/) {
        number = try #require(Int(found.1))
      } else if let found = text.wholeMatch(of: /\s+name: "(.*)"/) {
        names[number] = String(found.1)
      }
    }
    try #require(rows.isEmpty, "a sequence of lines does not end")
    for sequence in sequences {
      let addresses = sequence.rows.map(\.address) + [sequence.end]
      try #require(zip(addresses, addresses.dropFirst()).allSatisfy { $0 <= $1 }, "addresses of lines go back")
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
    let rows = sequences[low - 1].rows
    (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? rows[low - 1].line : nil
  }
}
