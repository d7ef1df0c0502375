/// A bounds-checked cursor over bytes that somebody else keeps alive.
///
/// Every read either returns a value or throws a ``FormatError`` with the offset in the file; none traps,
/// whatever the bytes are. Offsets are relative to `base`, the first byte of the file, so that an error and a
/// relocation speak of the same numbers.
///
/// What is not read yet is a collection of bytes, whose indices are offsets in the file.
///
/// The memory behind `base` is a mapped file (or an arena) that outlives the link; nobody writes to it, and
/// `base[0..<end]` is readable: whoever makes a reader from a pointer vouches for that. Every load below is in front of
/// `end`, and no offset is negative.
@frozen @safe
public struct ByteReader: @unchecked Sendable {
  /// First byte of the file.
  public let base: UnsafePointer<UInt8>
  /// Offset of the next byte to read.
  public var offset: Int
  /// Offset one past the last readable byte.
  public let end: Int

  /// A reader of `base[range]`.
  ///
  /// - Precondition: `base` points to at least `range.upperBound` readable bytes.
  @inlinable
  public init(_ base: UnsafePointer<UInt8>, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0)
    unsafe self.base = unsafe base
    self.offset = range.lowerBound
    self.end = range.upperBound
  }

  /// The bytes that this reader has not read, as a file of their own: their offsets count from the first of them.
  @inlinable
  public var asFile: ByteReader { unsafe ByteReader(base + offset, 0..<remaining) }

  @inlinable public var isAtEnd: Bool { offset == end }
  // Neither is negative; the difference is where somebody stepped beyond the end, and whatever reads there throws.
  @inlinable public var remaining: Int { end &- offset }

  /// Reads one byte.
  @inlinable @inline(__always)
  public mutating func byte() throws(FormatError) -> UInt8 {
    guard offset < end else { throw unexpectedEnd() }
    let value = unsafe base[offset]
    offset &+= 1
    return value
  }

  /// The next byte, which stays unread; `nil` at the end.
  @inlinable
  public func peek() -> UInt8? { unsafe offset < end ? base[offset] : nil }

  /// Reads an unsigned LEB128 number of at most 32 bits (WebAssembly specification, Values, Integers).
  @inlinable @inline(__always)
  public mutating func u32() throws(FormatError) -> UInt32 {
    if offset < end {
      let first = unsafe base[offset]
      if first < 0x80 {
        offset &+= 1
        return UInt32(truncatingIfNeeded: first)
      }
    }
    return try u32Slow()
  }

  /// Reads a number as ``u32()`` does, where numbers of several bytes are as frequent as those of one: without a branch
  /// that the processor cannot foresee.
  @inlinable @inline(__always)
  public mutating func evenU32() throws(FormatError) -> UInt32 {
    if let (bits, _) = shortNumber() { return bits }
    return try u32Slow()
  }

  @usableFromInline
  mutating func u32Slow() throws(FormatError) -> UInt32 {
    if let (bits, _) = shortNumber() { return bits }
    let start = offset
    if let (bits, _) = paddedNumber() {
      if bits >> 32 == 0 { return UInt32(truncatingIfNeeded: bits) }
      offset = start
    }
    return UInt32(truncatingIfNeeded: try unsigned(bits: 32))
  }

  /// Reads a LEB128 number of at most four bytes, whose sign is still to be extended, from one load: nearly all numbers
  /// of relocations and symbols are of this kind. `nil`, and nothing was read, for any other.
  @inlinable @inline(__always)
  mutating func shortNumber() -> (bits: UInt32, length: UInt32)? {
    guard remaining >= 4 else { return nil }
    let word = unsafe UInt32(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt32.self))
    let ends = ~word & 0x8080_8080
    guard ends != 0 else { return nil }
    let length = UInt32(truncatingIfNeeded: ends.trailingZeroBitCount) &>> 3 &+ 1
    var bits = word & 0x7F7F_7F7F & (UInt32.max &>> (32 &- length &* 8))
    bits = (bits & 0x007F_007F) | (bits & 0x7F00_7F00) &>> 1
    bits = (bits & 0x0000_3FFF) | (bits & 0x3FFF_0000) &>> 2
    offset &+= Int(truncatingIfNeeded: length)
    return (bits, length)
  }

  /// Reads a LEB128 number of at most five bytes, as those are that a linker has patched, in the same way.
  @inlinable @inline(__always)
  mutating func paddedNumber() -> (bits: UInt64, length: UInt64)? {
    guard remaining >= 8 else { return nil }
    let word = unsafe UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
    let ends = ~word & 0x80_8080_8080
    guard ends != 0 else { return nil }
    let length = UInt64(truncatingIfNeeded: ends.trailingZeroBitCount) &>> 3 &+ 1
    var bits = word & 0x7F_7F7F_7F7F & (UInt64.max &>> (64 &- length &* 8))
    bits = (bits & 0x7F_007F_007F) | (bits & 0x7F00_7F00) &>> 1
    bits = (bits & 0x7F_0000_3FFF) | (bits & 0x3FFF_0000) &>> 2
    bits = (bits & 0x0FFF_FFFF) | (bits & 0x7F_0000_0000) &>> 4
    offset &+= Int(truncatingIfNeeded: length)
    return (bits, length)
  }

  /// Reads an unsigned LEB128 number of at most 64 bits.
  @inlinable @inline(__always)
  public mutating func u64() throws(FormatError) -> UInt64 {
    if offset < end {
      let first = unsafe base[offset]
      if first < 0x80 {
        offset &+= 1
        return UInt64(truncatingIfNeeded: first)
      }
    }
    return try u64Slow()
  }

  @usableFromInline
  mutating func u64Slow() throws(FormatError) -> UInt64 {
    if let (bits, _) = shortNumber() { return UInt64(bits) }
    return try unsigned(bits: 64)
  }

  /// Reads a signed LEB128 number of at most 32 bits.
  public mutating func s32() throws(FormatError) -> Int32 {
    let start = offset
    if let (bits, length) = paddedNumber() {
      let unused = 64 &- length &* 7
      let number = Int64(bitPattern: bits &<< unused) &>> Int64(bitPattern: unused)
      if let narrow = Int32(exactly: number) { return narrow }
      offset = start
    }
    return Int32(truncatingIfNeeded: try signed(bits: 32))
  }

  /// The signed LEB128 number at an offset in the file, and where it ends, if it has at most five bytes; `nil` also where
  /// that takes a closer look.
  @inlinable @inline(__always)
  public func shortSigned(at offset: Int) -> (number: Int64, end: Int)? {
    guard offset >= 0 else { return nil }
    var reader = self
    reader.offset = offset
    guard let (bits, length) = reader.paddedNumber() else { return nil }
    let unused = 64 &- length &* 7
    return (Int64(bitPattern: bits &<< unused) &>> Int64(bitPattern: unused), reader.offset)
  }

  /// The unsigned LEB128 number that some bytes are.
  public func unsignedNumber(in range: Range<Int>) -> UInt64 {
    range.reversed().reduce(0) { $0 &<< 7 | UInt64(self[$1] & 0x7F) }
  }

  /// Reads a signed LEB128 number of at most 33 bits, as block types and heap types are encoded.
  public mutating func s33() throws(FormatError) -> Int64 { try signed(bits: 33) }

  /// Reads a signed LEB128 number of at most 64 bits.
  @inlinable @inline(__always)
  public mutating func s64() throws(FormatError) -> Int64 {
    guard let (bits, length) = shortNumber() else { return try signed(bits: 64) }
    let unused = 32 &- length &* 7
    return Int64(Int32(bitPattern: bits &<< unused) &>> Int32(bitPattern: unused))
  }

  /// Reads a fixed-width little-endian 32-bit number.
  @inlinable @inline(__always)
  public mutating func fixed32() throws(FormatError) -> UInt32 {
    guard remaining >= 4 else { throw unexpectedEnd() }
    let value = unsafe UnsafeRawPointer(base + offset).loadUnaligned(as: UInt32.self)
    offset &+= 4
    return UInt32(littleEndian: value)
  }

  /// Reads a fixed-width little-endian 16-bit number.
  @inlinable @inline(__always)
  public mutating func fixed16() throws(FormatError) -> UInt16 {
    guard remaining >= 2 else { throw unexpectedEnd() }
    let value = unsafe UnsafeRawPointer(base + offset).loadUnaligned(as: UInt16.self)
    offset &+= 2
    return UInt16(littleEndian: value)
  }

  /// The fixed-width little-endian 32-bit number at an offset in the file; `nil` where not all of it can be read.
  @inlinable @inline(__always)
  public func fixed32(at offset: Int) -> UInt32? {
    guard offset >= 0, offset <= end &- 4 else { return nil }
    return unsafe UInt32(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt32.self))
  }

  /// Reads a fixed-width little-endian 64-bit number.
  @inlinable
  public mutating func fixed64() throws(FormatError) -> UInt64 {
    let low = try fixed32()
    return UInt64(low) | UInt64(try fixed32()) << 32
  }

  /// Steps over a LEB128 number of at most `bytes` bytes without decoding it.
  @inlinable @inline(__always)
  public mutating func skipLEB(atMost bytes: Int = 5) throws(FormatError) {
    var left = bytes
    while offset < end, left > 0 {
      let byte = unsafe base[offset]
      offset &+= 1
      if byte < 0x80 { return }
      left &-= 1
    }
    throw left == 0 ? FormatError("LEB128 number is too long", at: offset) : unexpectedEnd()
  }

  /// Steps over `count` bytes.
  @inlinable @inline(__always)
  public mutating func skip(_ count: Int) throws(FormatError) {
    guard count >= 0, count <= remaining else { throw unexpectedEnd() }
    offset &+= count
  }

  /// Takes the next `count` bytes as a reader of their own, and steps over them.
  @inlinable
  public mutating func slice(_ count: Int) throws(FormatError) -> ByteReader {
    guard count >= 0, count <= remaining else { throw unexpectedEnd() }
    let result = unsafe ByteReader(base, offset..<(offset &+ count))
    offset &+= count
    return result
  }

  /// Copies what is not read yet behind the bytes of an array.
  public func append(to bytes: inout [UInt8]) {
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: base + offset, count: remaining))
  }

  /// The first offset, from `start` on, at which a LEB128 number within a range may stand, padded or not; `nil` if there is
  /// none.
  ///
  /// - Precondition: numbers of the range have three bytes or more.
  public func firstNumber(in range: Range<UInt64>, from start: Int) -> Int? {
    precondition(range.lowerBound >= 1 << 14)
    let (ones, high): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    // Numbers go on behind their first two bytes, and few have the third one of the range, counted from that of its first.
    let first = range.lowerBound &>> 14
    let count = range.isEmpty ? 0 : (range.upperBound &- 1) &>> 14 &- first
    let (shift, excess) = ((128 &- (first & 0x7F)) &* ones, (127 &- Swift.min(count, 127)) &* ones)
    func word(at place: Int) -> UInt64 {
      unsafe UInt64(littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self))
    }
    /// Of eight bytes, the highest bit of those at which one may begin; ten have to be readable.
    func candidates(at place: Int) -> UInt64 {
      let third = ((word(at: place &+ 2) & ~high) &+ shift) & ~high
      return word(at: place) & word(at: place &+ 1) & ~(third &+ excess) & high
    }
    var place = start > offset ? start : offset
    while place &+ 10 <= end {
      // Mostly nothing is in many bytes, whose tests the compiler joins.
      let block = 64
      if place &+ block &+ 2 <= end {
        var found: UInt64 = 0
        for step in 0..<8 { found |= candidates(at: place &+ 8 &* step) }
        if found == 0 {
          place &+= block
          continue
        }
      }
      var found = candidates(at: place)
      while found != 0 {
        let candidate = place &+ found.trailingZeroBitCount &>> 3
        if range.contains(number(at: candidate)) { return candidate }
        found &= found &- 1
      }
      place &+= 8
    }
    while place < end {
      if range.contains(number(at: place)) { return place }
      place &+= 1
    }
    return nil
  }

  /// The unsigned LEB128 number at an offset, as far as it can be read.
  private func number(at start: Int) -> UInt64 {
    var (number, shift) = (UInt64(0), UInt64(0))
    for place in start..<Swift.min(start &+ 10, end) {
      let byte = unsafe base[place]
      number |= UInt64(byte & 0x7F) &<< shift
      shift &+= 7
      if byte < 0x80 { break }
    }
    return number
  }

  /// Whether one of two bytes is among those that are not read yet.
  ///
  /// - Precondition: neither is zero.
  public func contains(_ first: UInt8, or second: UInt8) -> Bool {
    let (ones, high): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    func word(at place: Int) -> UInt64 {
      unsafe UInt64(littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self))
    }
    var place = offset
    while place < end, end >= 8 {
      // The last bytes come with some in front of them, which are shifted out.
      let missing = place &+ 8 &- end
      let bytes = missing > 0 ? word(at: end &- 8) &>> UInt64(truncatingIfNeeded: 8 &* missing) : word(at: place)
      let (firsts, seconds) = (bytes ^ UInt64(first) &* ones, bytes ^ UInt64(second) &* ones)
      // A byte that is zero borrows from the one above it.
      if ((firsts &- ones) & ~firsts | (seconds &- ones) & ~seconds) & high != 0 { return true }
      place &+= 8
    }
    while place < end {
      if unsafe base[place] == first || base[place] == second { return true }
      place &+= 1
    }
    return false
  }

  /// The lowest little-endian number of four or eight bytes within a range that stands at an offset, or any number of
  /// widths behind it; `nil` if there is none.
  public func lowestWord(in range: Range<UInt64>, width: Int, from start: Int) -> UInt64? {
    width == 8 ? lowest(UInt64.self, in: range, from: start) : lowest(UInt32.self, in: range, from: start)
  }

  @inline(__always)
  private func lowest<Word: FixedWidthInteger & UnsignedInteger>(
    _: Word.Type, in range: Range<UInt64>, from start: Int
  ) -> UInt64? {
    let place = start > offset ? start : offset
    let (width, most) = (Word.bitWidth / 8, UInt64(Word.max))
    guard place <= end &- width, range.lowerBound <= most else { return nil }
    // Counted from the beginning of the range, what lies in front of it comes last of all.
    let first = Word(truncatingIfNeeded: range.lowerBound)
    var lowest = Word.max
    for index in 0..<(end &- place) / width {
      let word = unsafe UnsafeRawPointer(base + (place &+ index &* width)).loadUnaligned(as: Word.self)
      lowest = Swift.min(lowest, Word(littleEndian: word) &- first)
    }
    let number = UInt64(truncatingIfNeeded: lowest &+ first)
    return range.contains(number) ? number : nil
  }

  /// The first row of zeros in a range of offsets that is as long as can be; `nil` if there is none.
  ///
  /// - Precondition: `count` is at least 15, so that eight of the zeros stand at the place of a step.
  public func firstZeros(atLeast count: Int, in range: Range<Int>) -> Range<Int>? {
    let range = range.clamped(to: offset..<end)
    var place = range.lowerBound
    while place <= range.upperBound &- 8 {
      let word = unsafe UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self)
      guard word == 0 else {
        place &+= 8
        continue
      }
      var (first, last) = (place, place &+ 8)
      while first > range.lowerBound, unsafe base[first &- 1] == 0 { first &-= 1 }
      while last < range.upperBound, unsafe base[last] == 0 { last &+= 1 }
      if last &- first >= count { return first..<last }
      place = last
    }
    return nil
  }

  /// Reads an element count and checks it against what is left, so that a hostile count reserves nothing.
  ///
  /// - Parameter minimumSize: the fewest bytes that one element can take.
  @inlinable
  public mutating func count(minimumSize: Int = 1) throws(FormatError) -> Int {
    let start = offset
    let value = Int(try u32())
    guard value <= remaining / minimumSize else {
      throw FormatError("count \(value) is larger than the rest of the section", at: start)
    }
    return value
  }

  /// Reads a name: a count of bytes and that many bytes of UTF-8.
  @inlinable
  public mutating func name() throws(FormatError) -> ByteString {
    let count = Int(try u32())
    guard count <= remaining else { throw unexpectedEnd() }
    let result = unsafe ByteString(base + offset, count: count)
    offset &+= count
    return result
  }

  @usableFromInline
  func unexpectedEnd() -> FormatError { FormatError("unexpected end", at: end) }

  private mutating func unsigned(bits: Int) throws(FormatError) -> UInt64 {
    let start = offset
    var result: UInt64 = 0
    var shift = 0
    while true {
      let byte = try byte()
      let payload = UInt64(byte & 0x7f)
      guard shift < bits, shift + 7 <= bits || payload >> UInt64(bits - shift) == 0 else {
        throw FormatError("LEB128 number does not fit into \(bits) bits", at: start)
      }
      result |= payload << UInt64(shift)
      shift += 7
      if byte < 0x80 { return result }
    }
  }

  @usableFromInline
  mutating func signed(bits: Int) throws(FormatError) -> Int64 {
    let start = offset
    var result: Int64 = 0
    var shift = 0
    while true {
      let byte = try byte()
      guard shift < bits else { throw FormatError("LEB128 number does not fit into \(bits) bits", at: start) }
      if shift < 64 { result |= Int64(byte & 0x7f) << Int64(shift) }
      shift += 7
      if byte < 0x80 {
        if shift < 64, byte & 0x40 != 0 { result |= -1 << Int64(shift) }
        break
      }
    }
    let unused = Int64(64 - bits)
    guard (result << unused) >> unused == result else {
      throw FormatError("LEB128 number does not fit into \(bits) bits", at: start)
    }
    return result
  }
}

extension ByteReader: RandomAccessCollection {
  @inlinable public var startIndex: Int { offset }
  @inlinable public var endIndex: Int { end }

  /// The byte at an offset in the file, whether it was read or not.
  ///
  /// - Precondition: `0 <= offset < end`.
  @inlinable
  public subscript(offset: Int) -> UInt8 {
    precondition(UInt(bitPattern: offset) < UInt(bitPattern: end), "offset is out of range")
    return unsafe base[offset]
  }

  /// A reader of a range of the file, whether its bytes were read or not.
  ///
  /// - Precondition: the range ends at `end` or before it.
  @inlinable
  public subscript(range: Range<Int>) -> ByteReader {
    precondition(range.upperBound <= end, "range is out of range")
    return unsafe ByteReader(base, range)
  }

  @inlinable
  public func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try unsafe body(UnsafeBufferPointer(start: base + offset, count: remaining))
  }
}
