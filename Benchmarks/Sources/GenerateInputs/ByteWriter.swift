/// Bytes of a file under construction, written with WebAssembly's encodings.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  var count: Int { bytes.count }

  mutating func byte(_ value: UInt8) {
    bytes.append(value)
  }

  mutating func append(_ other: some Collection<UInt8>) {
    bytes.append(contentsOf: other)
  }

  mutating func append(_ other: ByteWriter) {
    bytes.append(contentsOf: other.bytes)
  }

  mutating func little32(_ value: UInt32) {
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func little16(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
  }

  mutating func unsigned(_ value: Int) {
    var rest = UInt64(value)
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func signed(_ value: Int64) {
    var rest = value
    while rest < -64 || rest > 63 {
      bytes.append(UInt8(truncatingIfNeeded: rest) & 0x7f | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest) & 0x7f)
  }

  /// A name: its length, then its bytes.
  mutating func name(_ text: String) {
    unsigned(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  /// A section with its size padded to five bytes, as LLVM writes it.
  mutating func section(_ identifier: UInt8, _ contents: ByteWriter) {
    byte(identifier)
    paddedUnsigned(UInt32(contents.count))
    append(contents)
  }

  /// A custom section.
  mutating func customSection(_ title: String, _ contents: ByteWriter) {
    var body = ByteWriter()
    body.name(title)
    body.append(contents)
    section(0, body)
  }

  /// A subsection of a custom section, its size padded to five bytes.
  mutating func subsection(_ type: UInt8, _ contents: ByteWriter) {
    section(type, contents)
  }

  /// LEB128 padded to five bytes, so that a linker can replace it in place.
  mutating func paddedUnsigned(_ value: UInt32) {
    let start = bytes.count
    bytes.append(contentsOf: [0, 0, 0, 0, 0])
    patchUnsigned(value, at: start)
  }

  mutating func patchUnsigned(_ value: UInt32, at start: Int) {
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: value >> (7 * index)) | 0x80 }
    bytes[start + 4] = UInt8(value >> 28)
  }

  mutating func patchSigned(_ value: Int32, at start: Int) {
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: value >> (7 * index)) | 0x80 }
    bytes[start + 4] = UInt8(truncatingIfNeeded: value >> 28) & 0x7f
  }

  mutating func patchLittle32(_ value: UInt32, at start: Int) {
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
  }
}

/// The number of bytes of an unsigned LEB128.
func unsignedSize(_ value: Int) -> Int {
  var size = 1
  var rest = value >> 7
  while rest > 0 {
    size += 1
    rest >>= 7
  }
  return size
}
