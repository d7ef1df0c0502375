import WebAssemblyFormat

// Frames: how to find the caller's frame from each instruction of a function (DWARF 5, 6.4).
//
// Engines know that themselves, and compilers for WebAssembly write no `.debug_frame`; assembly may. An entry for a function
// tells its address, its length, and in a program like that of lines after how many bytes something changes: these distances
// are written anew, and all entries refer to a common one by its offset in the section, which relocations follow.

/// Writes `.debug_frame` anew.
struct FrameSection: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private var code: CodeCursor
  private(set) var chunk = SectionChunk(bytes: [])
  /// Where entries went.
  private(set) var map = OffsetMap()
  /// The size of addresses, by where the common entry is that tells it.
  private var addressSizes: [Int: Int] = [:]

  init(_ file: DebugFile, _ content: DebugContent) {
    self.file = file
    self.content = content
    code = CodeCursor(file)
  }

  /// Goes through the section.
  ///
  /// - Throws: ``FormatError`` for what is damaged or not known.
  mutating func run() throws(FormatError) {
    var reader = content.bytes
    while !reader.isAtEnd {
      let start = reader.offset
      let before = chunk.bytes.count
      let (end, width) = try reader.unitEnd()
      var entry = content.bytes[reader.offset..<end]
      reader.offset = end
      let at = entry.offset
      // Entries that an assembler ends the section with have no bytes.
      let reference = entry.isAtEnd ? nil : try entry.fixed(width)
      if let reference, file.relocation(in: content, at: at) != nil || reference != (width == 8 ? .max : 0xFFFF_FFFF) {
        try writeFunction(&entry, start, at, reference, width)
      } else {
        if reference != nil { addressSizes[start] = try readCommon(&entry) }
        copy(start..<end)
      }
      map.add(UInt32(start)..<UInt32(end), length: chunk.bytes.count - before)
    }
  }

  private mutating func copy(_ range: Range<Int>) {
    file.carry(range, of: content, to: chunk.bytes.count, in: &chunk)
    chunk.add(content.bytes[range])
  }

  /// What the entries of functions have in common.
  ///
  /// - Returns: the size of addresses.
  private func readCommon(_ entry: inout ByteReader) throws(FormatError) -> Int {
    let at = entry.offset
    let version = try entry.byte()
    guard version == 1 || version == 3 || version == 4 else {
      throw FormatError("unknown version \(version) of frames", at: at)
    }
    guard try entry.byte() == 0 else { throw FormatError("frames of a vendor", at: at + 1) }
    var size = (file.unit.module.addressWidth ?? 32) / 8
    if version == 4 {
      size = Int(try entry.byte())
      guard try entry.byte() == 0 else { throw FormatError("addresses with segments", at: entry.offset - 1) }
    }
    guard size == 4 || size == 8 else { throw FormatError("addresses of \(size) bytes", at: at) }
    guard try entry.u64() == 1 else { throw FormatError("instructions are not counted in bytes", at: at) }
    return size
  }

  /// - Parameters:
  ///   - entry: stands behind the reference to the common entry, which is at `place`.
  private mutating func writeFunction(
    _ entry: inout ByteReader, _ start: Int, _ place: Int, _ reference: UInt64, _ offsetSize: Int
  ) throws(FormatError) {
    let relocated = file.relocation(in: content, at: place).map { file.unit.addend(of: $0) }
    guard let common = Int(exactly: relocated ?? Int64(clamping: reference)), let size = addressSizes[common] else {
      throw FormatError("there is no common entry for that of a function", at: place)
    }
    let first = chunk.bytes.count
    let at = entry.offset
    let address = try entry.fixed(size)
    let length = try entry.fixed(size)
    copy(start..<entry.offset)
    chunk.add(try file.relocation(of: reference, into: .frame, at: first + place - start, of: entry))
    guard let begin = code.place(in: content, at: at, address), let distance = Int(exactly: length) else {
      return copy(entry.offset..<entry.end)
    }
    code.write(begin, at: first + at - start, width: size, to: &chunk)
    let moved = code.distance(from: begin, distance)
    chunk.put(UInt64(clamping: moved), width: size, at: first + at - start + size)
    try writeProgram(&entry, from: begin, size)
    // As long as it was, or longer by whole addresses.
    while chunk.bytes.count - first < entry.end - start || (chunk.bytes.count - first - entry.end + start) % size != 0 {
      chunk.bytes.append(Operation.nop)
    }
    let prefix = offsetSize == 8 ? 12 : 4
    chunk.put(UInt64(chunk.bytes.count - first - prefix), width: offsetSize, at: first + prefix - offsetSize)
  }

  // MARK: Operations

  private enum Operation {
    static let nop: UInt8 = 0
    static let setLocation: UInt8 = 1
    static let advance: UInt8 = 0x40
    static let advance1: UInt8 = 2
    static let advance2: UInt8 = 3
    static let advance4: UInt8 = 4
  }

  private mutating func writeProgram(
    _ entry: inout ByteReader, from begin: CodePlace, _ addressSize: Int
  ) throws(FormatError) {
    var place = begin
    var written = code.offset(of: begin)
    while !entry.isAtEnd {
      let at = entry.offset
      let operation = try entry.byte()
      let distance: UInt64
      switch operation {
      case 0x40..<0x80: distance = UInt64(operation & 0x3F)
      case Operation.advance1: distance = try entry.fixed(1)
      case Operation.advance2: distance = try entry.fixed(2)
      case Operation.advance4: distance = try entry.fixed(4)
      case Operation.setLocation:
        let address = try entry.fixed(addressSize)
        guard let next = code.place(in: content, at: at + 1, address, near: begin) else {
          throw FormatError("frames go on in no function", at: at)
        }
        copy(at..<entry.offset)
        code.write(next, at: chunk.bytes.count - addressSize, width: addressSize, to: &chunk)
        (place, written) = (next, code.offset(of: next))
        continue
      default:
        try skipOperands(of: operation, &entry)
        copy(at..<entry.offset)
        continue
      }
      place = place.moved(to: place.offset &+ Int(distance))
      let target = code.offset(of: place)
      addAdvance(target - written)
      written = max(written, target)
    }
  }

  private mutating func addAdvance(_ distance: Int) {
    switch distance {
    case ...0: break
    case ..<0x40: chunk.bytes.append(Operation.advance | UInt8(distance))
    case ..<0x100: chunk.bytes += [Operation.advance1, UInt8(distance)]
    default:
      let width = distance < 0x1_0000 ? 2 : 4
      chunk.bytes.append(width == 2 ? Operation.advance2 : Operation.advance4)
      chunk.bytes += repeatElement(0, count: width)
      chunk.put(UInt64(distance), width: width, at: chunk.bytes.count - width)
    }
  }

  /// Operands of what says nothing of code (DWARF 5, 7.24).
  private func skipOperands(of operation: UInt8, _ entry: inout ByteReader) throws(FormatError) {
    switch operation {
    case Operation.nop, 0x0A, 0x0B, 0xC0...0xFF: break
    case 0x80..<0xC0, 0x06, 0x07, 0x08, 0x0D, 0x0E, 0x13, 0x2E: try entry.skipNumber()
    case 0x05, 0x09, 0x0C, 0x11, 0x12, 0x14, 0x15:
      try entry.skipNumber()
      try entry.skipNumber()
    default: throw FormatError("unknown operation \(operation) of frames", at: entry.offset - 1)
    }
  }
}
