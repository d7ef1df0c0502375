import WebAssemblyFormat

// What of the data of libraries is written.
//
// Memory begins as zeros, so that zeros need not be written. An object keeps its zeros apart, in `.bss`; the linker that
// made a library joined all data to one block, with variables that have no value yet, padding and rows of empty entries
// among it. A seventh of CPython's block is that. The block becomes a data segment for each run of other bytes,
// wherever the zeros between two runs are longer than what a further segment costs.
//
// Only where that is all the same: nothing tells segments by their numbers, nothing is to be patched later, and nobody
// else has written the memory before.

/// Which bytes of each data segment of the result are written.
struct DataParts {
  /// So many zeros are not written. The header of a segment takes six to eleven bytes.
  static let fewestZeros = 16
  /// Engines limit the number of data segments to 100,000.
  static let mostSegments = 50_000

  /// For each segment of the result, in order, the ranges of its bytes that are written as data segments of their own.
  let ranges: [[Range<UInt64>]]
  /// How many data segments there are in the file.
  var count: Int { ranges.reduce(0) { $0 + $1.count } }

  init(_ program: Program) {
    let writesZeros = program.features.emitsBSS(program.options)
    let segments = program.memory.segments
    let divides = DataParts.mayDivide(program)
    var left = DataParts.mostSegments - segments.count
    ranges = segments.map { segment in
      guard !segment.isBSS || writesZeros else { return [] }
      if divides, segment.mayBeDivided, let piece = segment.pieces.first, segment.pieces.count == 1,
        let parts = DataParts.find(in: program.resolution.units[piece.unit], Int(piece.segment)), parts.count < left
      {
        left -= parts.count
        return parts
      }
      return [0..<segment.size]
    }
  }

  private static func mayDivide(_ program: Program) -> Bool {
    let options = program.options
    return !options.keepsRelocations && !options.isPositionIndependent && !options.sharedMemory
      && options.memoryImport == nil && program.memory.segments.allSatisfy { $0.kept == nil }
      && !program.needsDataCount
  }

  /// The bytes of an input segment without long rows of zeros; `nil` if that is not plain to see.
  private static func find(in unit: Unit, _ segment: Int) -> [Range<UInt64>]? {
    let content = unit.segments[segment].content
    let first = content.offset
    var parts: [Range<UInt64>] = []
    var start = first
    func add(upTo end: Int) {
      if start < end { parts.append(UInt64(start - first)..<UInt64(end - first)) }
    }
    func cut(_ range: Range<Int>) {
      var rest = range
      while let zeros = content.firstZeros(atLeast: fewestZeros, in: rest) {
        add(upTo: zeros.lowerBound)
        start = zeros.upperBound
        rest = zeros.upperBound..<range.upperBound
      }
    }
    var position = first
    for index in unit.segmentRelocations[segment].indices {
      // What is patched is not zero, whatever it is now.
      let edit = unit.relocations[index]
      guard first + Int(edit.offset) >= position, first + Int(edit.end) <= content.end else { return nil }
      cut(position..<first + Int(edit.offset))
      position = first + Int(edit.end)
    }
    cut(position..<content.end)
    add(upTo: content.end)
    return parts
  }
}

extension Program {
  /// Whether code names data segments, so that their number has to stand in front of it.
  var needsDataCount: Bool {
    options.sharedMemory || !indices.start.segments.lateData.isEmpty
      || resolution.inLinkOrder.contains { $0.codeFacts.namesSegments }
  }
}
