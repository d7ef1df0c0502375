import WebAssemblyFormat

// Lists of ranges, and of where a variable is in which of them.
//
// Up to version 4 they are pairs of addresses or of offsets from where the unit's code begins, all of the same width, and
// nothing tells where a list begins but the entries that refer to it: those are written over in place. From version 5 on
// offsets are LEB128 numbers, a list is of entries of eight kinds, and a table in front may tell where each begins: those
// are written anew, each number in as many bytes as it had or in more, and the map of the section tells where lists went.
// What no entry refers to is copied.

/// Writes `.debug_ranges` or `.debug_loc` over.
struct PairLists: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private let contexts: [UnitContext]
  private let isFinal: Bool
  private let hasExpressions: Bool
  private var code: CodeCursor
  /// What is written over the bytes of the chunk.
  private var numbers = GrowingRow<SectionChunk.Number>(capacity: 0)
  private(set) var uses: [AddressUse] = []

  init(_ file: DebugFile, _ content: DebugContent, _ contexts: [UnitContext]) {
    self.file = file
    self.content = content
    self.contexts = contexts
    isFinal = file.isFinal
    hasExpressions = content.section == .locations
    code = CodeCursor(file)
  }

  /// Writes some of the section.
  ///
  /// - Parameters:
  ///   - range: which bytes.
  ///   - lists: those that begin there, in order.
  /// - Throws: ``FormatError`` for what is damaged.
  mutating func chunk(
    _ range: Range<Int>, _ lists: ArraySlice<ListReference>
  ) throws(FormatError) -> SectionChunk {
    var chunk = SectionChunk(source: content.bytes[range])
    numbers = GrowingRow(capacity: range.count / (hasExpressions ? 8 : 5))
    // Where a list begins, or for every address of a range.
    if isFinal, file.keepsRelocations {
      chunk.relocations.reserveCapacity(range.count / (hasExpressions ? 40 : 4))
    }
    var done = range.lowerBound
    for list in lists where list.offset >= done {
      let reader = content.bytes[list.offset..<range.upperBound]
      done = try walk(reader, contexts[list.unit], &chunk, from: range.lowerBound)
    }
    file.carry(range, of: content, to: 0, in: &chunk)
    chunk.close(&numbers)
    return chunk
  }

  /// - Returns: where the list ends.
  private mutating func walk(
    _ list: ByteReader, _ context: UnitContext, _ chunk: inout SectionChunk, from start: Int
  ) throws(FormatError) -> Int {
    var reader = list
    let width = context.header.addressSize
    let selection = width == 8 ? UInt64.max : UInt64(UInt32.max)
    var (base, baseAddress) = (context.base, context.baseAddress)
    // Where that is in the result, and where the range before ended: the next one mostly begins there.
    var begun = base.map { code.offset(of: $0) }
    var last = Ended()
    while true {
      let at = reader.offset
      let begin = try reader.fixed(width)
      let end = try reader.fixed(width)
      let isRelocated = !isFinal && file.relocation(in: content, at: at) != nil
      if begin == 0, end == 0, !isRelocated { return reader.offset }
      if begin == selection, !isRelocated {
        (base, baseAddress, begun) = (code.place(in: content, at: at + width, end), end, nil)
        last = Ended()
        if let base {
          let target = code.offset(of: base)
          begun = target
          write(base, to: target, at: at + width - start, width, to: &chunk)
        }
        continue
      }
      var function = base
      if isRelocated {
        // Both ends have relocations.
      } else if let base {
        function = Int(exactly: begin).map { base.moved(to: base.offset &+ $0) }
        put(begin, end, from: base, begun, &last, at: at - start, width)
      } else if baseAddress == 0, isFinal, let place = code.place(in: content, at: at, begin) {
        function = place
        write(place, to: code.offset(of: place), at: at - start, width, to: &chunk)
        if let end = code.place(in: content, at: at + width, end, .end, near: place) {
          write(end, to: code.offset(of: end), at: at + width - start, width, to: &chunk)
        }
      }
      if hasExpressions {
        let expression = try reader.slice(Int(try reader.fixed16()))
        if isFinal, !file.isPlain(expression, from: function) {
          var walker = ExpressionWalker(file, context, chunkStart: start)
          try walker.run(expression, from: function, &code, &chunk, &uses)
        }
      }
    }
  }

  /// Where a range ended, counted from where its offsets count from: in the file and in the result.
  private struct Ended {
    var (offset, moved) = (0, 0)
  }

  @inline(__always)
  private mutating func put(
    _ begin: UInt64, _ end: UInt64, from base: CodePlace, _ begun: Int?, _ last: inout Ended, at place: Int,
    _ width: Int
  ) {
    guard let begin = Int(exactly: begin), let end = Int(exactly: end) else { return }
    let first = begin == last.offset && begin > 0 ? last.moved : code.distance(from: base, at: begun, begin)
    last = Ended(offset: end, moved: code.distance(from: base, at: begun, end))
    // Nothing is left of it: 0 and 0 would end the list.
    let isEnd = first == 0 && last.moved == 0
    put(isEnd ? 1 : first, at: place, width)
    put(isEnd ? 1 : last.moved, at: place + width, width)
  }

  /// Writes an address of code of a finished module.
  ///
  /// - Parameter target: where that is in the body of its function in the result.
  @inline(__always)
  private mutating func write(
    _ place: CodePlace, to target: Int, at offset: Int, _ width: Int, to chunk: inout SectionChunk
  ) {
    if let number = code.number(of: place, to: target) {
      put(Int(truncatingIfNeeded: number), at: offset, width)
    } else {
      chunk.add(code.relocation(of: place, to: target, at: offset, width: width))
    }
  }

  @inline(__always)
  private mutating func put(_ number: Int, at place: Int, _ width: Int) {
    let place = UInt32(truncatingIfNeeded: place)
    numbers.append(SectionChunk.Number(offset: place, value: UInt32(truncatingIfNeeded: number)))
    if width == 8 {
      numbers.append(SectionChunk.Number(offset: place &+ 4, value: UInt32(truncatingIfNeeded: number >> 32)))
    }
  }
}

/// Writes the lists of a unit in `.debug_rnglists` or `.debug_loclists` anew.
struct EncodedLists: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private let contexts: [UnitContext]
  private var code: CodeCursor
  private(set) var uses: [AddressUse] = []
  private(set) var chunk = SectionChunk(bytes: [])
  /// Where bytes of the lists went; offsets count from their first byte.
  private(set) var map = OffsetMap()
  /// Offset in the section of that.
  private var start = 0

  init(_ file: DebugFile, _ content: DebugContent, _ contexts: [UnitContext]) {
    self.file = file
    self.content = content
    self.contexts = contexts
    code = CodeCursor(file)
  }

  /// Goes through the lists that begin where the reader stands; it stands behind them afterwards.
  ///
  /// - Parameter lists: all that anything refers to, in order.
  /// - Throws: ``FormatError`` for what is damaged.
  mutating func run(_ reader: inout ByteReader, _ lists: ArraySlice<ListReference>) throws(FormatError) {
    start = reader.offset
    let (end, offsetSize) = try reader.unitEnd()
    var header = reader[reader.offset..<end]
    let version = try header.fixed(2)
    guard version == 5 else { throw FormatError("unknown version \(version) of lists", at: header.offset - 2) }
    let addressSize = Int(try header.byte())
    guard addressSize == 4 || addressSize == 8 else {
      throw FormatError("addresses of \(addressSize) bytes", at: header.offset - 1)
    }
    try header.skip(1)
    let count = Int(try header.fixed(4))
    let table = header.offset
    try header.skip(count * offsetSize)
    var done = header.offset
    chunk.add(content.bytes[start..<done])
    file.carry(start..<done, of: content, to: 0, in: &chunk)
    for list in lists where list.offset >= done && list.offset < end {
      guard contexts[list.unit].header.addressSize == addressSize else {
        throw FormatError("addresses of \(addressSize) bytes are not those of the unit", at: start)
      }
      copy(done..<list.offset)
      var reader = content.bytes[list.offset..<end]
      try walk(&reader, contexts[list.unit])
      done = reader.offset
    }
    copy(done..<end)
    for index in 0..<count {
      let place = table + index * offsetSize
      var entry = content.bytes[place..<end]
      let offset = try entry.fixed(offsetSize)
      guard offset <= UInt64(end - table) else { throw FormatError("list begins behind its unit", at: place) }
      let moved = position(table + Int(offset)) - position(table)
      chunk.put(UInt64(moved), width: offsetSize, at: place - start)
    }
    let prefix = offsetSize == 8 ? 12 : 4
    chunk.put(UInt64(chunk.bytes.count - prefix), width: offsetSize, at: prefix - offsetSize)
    reader.offset = end
  }

  private func position(_ offset: Int) -> Int { Int(map.position(of: UInt32(offset - start))) }

  private mutating func copy(_ range: Range<Int>) {
    file.carry(range, of: content, to: chunk.bytes.count, in: &chunk)
    chunk.add(content.bytes[range])
  }

  // MARK: Entries

  /// The kinds of entries, of lists of ranges and of locations (DWARF 5, 7.25 and 7.7.3).
  private enum Kind { case end, baseIndex, indices, indexLength, offsets, normal, base, addresses, addressLength, view }

  private func kind(_ code: UInt8) -> Kind? {
    let isLocations = content.section == .locationLists
    switch code {
    case 0: return .end
    case 1: return .baseIndex
    case 2: return .indices
    case 3: return .indexLength
    case 4: return .offsets
    case 5: return isLocations ? .normal : .base
    case 6: return isLocations ? .base : .addresses
    case 7: return isLocations ? .addresses : .addressLength
    case 8: return isLocations ? .addressLength : nil
    case 9: return isLocations ? .view : nil
    default: return nil
    }
  }

  private mutating func walk(_ reader: inout ByteReader, _ context: UnitContext) throws(FormatError) {
    let width = context.header.addressSize
    var base = context.base
    while true {
      let at = reader.offset
      let code = try reader.byte()
      guard let kind = kind(code) else { throw FormatError("unknown kind \(code) of an entry of a list", at: at) }
      copy(at..<reader.offset)
      var hasExpression = content.section == .locationLists
      var function = base
      switch kind {
      case .end: return
      case .normal: break
      case .view:
        let start = reader.offset
        try reader.skipNumber()
        try reader.skipNumber()
        copy(start..<reader.offset)
        hasExpression = false
      case .baseIndex:
        base = try index(&reader, context)
        hasExpression = false
      case .base:
        base = address(try reader.fixed(width), .begin, nil, &reader, width)
        hasExpression = false
      case .indices:
        function = try index(&reader, context)
        _ = try index(&reader, context, .end)
      case .indexLength:
        function = try index(&reader, context)
        try length(&reader, from: function)
      case .offsets:
        let begin = try length(&reader, from: base)
        function = base.map { $0.moved(to: $0.offset &+ begin) }
        try length(&reader, from: base)
      case .addresses:
        function = address(try reader.fixed(width), .begin, nil, &reader, width)
        _ = address(try reader.fixed(width), .end, function, &reader, width)
      case .addressLength:
        function = address(try reader.fixed(width), .begin, nil, &reader, width)
        try length(&reader, from: function)
      }
      if hasExpression { try expression(&reader, context, from: function) }
    }
  }

  /// An index of an address.
  private mutating func index(
    _ reader: inout ByteReader, _ context: UnitContext, _ edge: CodePlace.Edge = .begin
  ) throws(FormatError) -> CodePlace? {
    let at = reader.offset
    let index = try reader.u64()
    copy(at..<reader.offset)
    guard let address = try context.address(index, &code, at: at, edge) else { return nil }
    uses.append(
      AddressUse(
        offset: address.offset, width: context.header.addressSize, meaning: edge == .end ? .codeEnd : .code))
    return address.place
  }

  /// An address, behind which the reader stands.
  private mutating func address(
    _ value: UInt64, _ edge: CodePlace.Edge, _ near: CodePlace?, _ reader: inout ByteReader, _ width: Int
  ) -> CodePlace? {
    let at = reader.offset - width
    let place = code.place(in: content, at: at, value, edge, near: near)
    copy(at..<reader.offset)
    if let place { code.write(place, at: chunk.bytes.count - width, width: width, to: &chunk) }
    return place
  }

  /// A number of bytes from a place in code.
  ///
  /// - Returns: the number in the file.
  @discardableResult
  private mutating func length(_ reader: inout ByteReader, from place: CodePlace?) throws(FormatError) -> Int {
    let at = reader.offset
    let value = try reader.u64()
    guard let place, let distance = Int(exactly: value) else {
      copy(at..<reader.offset)
      return Int(clamping: value)
    }
    let moved = code.distance(from: place, distance)
    guard moved >= 0 else { throw FormatError("range is in front of what it counts from", at: at) }
    let before = chunk.bytes.count
    chunk.add(number: UInt64(moved), atLeast: reader.offset - at)
    map.add(UInt32(at - start)..<UInt32(reader.offset - start), length: chunk.bytes.count - before)
    return distance
  }

  private mutating func expression(
    _ reader: inout ByteReader, _ context: UnitContext, from function: CodePlace?
  ) throws(FormatError) {
    let at = reader.offset
    let expression = try reader.slice(Int(clamping: try reader.u64()))
    // Operations are told where they are in the result by where the bytes in front of them went.
    let shift = chunk.bytes.count - at
    copy(at..<reader.offset)
    guard file.isFinal, !file.isPlain(expression, from: function) else { return }
    var walker = ExpressionWalker(file, context, chunkStart: -shift)
    try walker.run(expression, from: function, &code, &chunk, &uses)
  }
}
