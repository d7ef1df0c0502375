import WebAssemblyFormat

/// Room for some bytes of the result, and the only way to write them.
///
/// The pointer is to `count` bytes that nobody else writes meanwhile, and does not leave this type. Nothing is written
/// outside: what does not fit is not written at all, and the writer is told, who reports it as an internal error. All
/// offsets count from the first byte of the room.
@safe
struct OutputRoom {
  private let start: UnsafeMutablePointer<UInt8>
  let count: Int

  /// - Parameter start: `count` writable bytes.
  init(_ start: UnsafeMutablePointer<UInt8>, count: Int) {
    unsafe self.start = start
    self.count = max(0, count)
  }

  @inline(__always)
  private func has(_ length: Int, at offset: Int) -> Bool {
    // One comparison each: as unsigned numbers, negative ones are too large.
    UInt(bitPattern: length) <= UInt(bitPattern: count)
      && UInt(bitPattern: offset) <= UInt(bitPattern: count &- length)
  }

  /// A part of the room; without bytes if there is no such part.
  func part(at offset: Int, count length: Int) -> OutputRoom {
    unsafe has(length, at: offset) ? OutputRoom(start + offset, count: length) : OutputRoom(start, count: 0)
  }

  // MARK: Bytes

  /// Copies bytes of a file, or of memory that a unit has of its own.
  ///
  /// - Parameters:
  ///   - first: where they begin in the file. They have to end where it does, or before.
  ///   - offset: where they go.
  @inline(__always)
  func copy(_ file: ByteReader, from first: Int, count length: Int, to offset: Int) -> Bool {
    guard has(length, at: offset), first >= 0, first <= file.end &- length else { return false }
    unsafe (start + offset).update(from: file.base + first, count: length)
    return true
  }

  func copy(_ bytes: ArraySlice<UInt8>, to offset: Int) -> Bool {
    guard has(bytes.count, at: offset) else { return false }
    unsafe bytes.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress { unsafe (start + offset).update(from: base, count: buffer.count) }
    }
    return true
  }

  func fill(_ length: Int, with byte: UInt8, at offset: Int) -> Bool {
    guard has(length, at: offset) else { return false }
    unsafe (start + offset).update(repeating: byte, count: length)
    return true
  }

  @inline(__always)
  func write(_ byte: UInt8, at offset: Int) -> Bool {
    guard has(1, at: offset) else { return false }
    unsafe start[offset] = byte
    return true
  }

  // MARK: Numbers

  @inline(__always)
  func write(fixed32 value: UInt32, at offset: Int) -> Bool {
    guard has(4, at: offset) else { return false }
    unsafe UnsafeMutableRawPointer(start + offset).storeBytes(of: value.littleEndian, as: UInt32.self)
    return true
  }

  @inline(__always)
  func write(fixed64 value: UInt64, at offset: Int) -> Bool {
    guard has(8, at: offset) else { return false }
    unsafe UnsafeMutableRawPointer(start + offset).storeBytes(of: value.littleEndian, as: UInt64.self)
    return true
  }

  /// Writes the low 35 bits of a number as five bytes, see ``LEB128/write(fiveBytes:to:)``.
  @inline(__always)
  func write(fiveBytes value: UInt64, at offset: Int) -> Bool {
    guard has(5, at: offset) else { return false }
    unsafe LEB128.write(fiveBytes: value, to: start + offset)
    return true
  }

  /// Writes an unsigned number as `width` bytes.
  @inline(__always)
  func write(unsigned value: UInt64, width: Int, at offset: Int) -> Bool {
    guard has(width, at: offset), LEB128.length(unsigned: value) <= width else { return false }
    unsafe LEB128.write(unsigned: value, width: width, to: start + offset)
    return true
  }

  /// Writes a signed number as `width` bytes.
  @inline(__always)
  func write(signed value: Int64, width: Int, at offset: Int) -> Bool {
    guard has(width, at: offset), LEB128.length(signed: value) <= width else { return false }
    unsafe LEB128.write(signed: value, width: width, to: start + offset)
    return true
  }
}

// From front to back.
extension OutputRoom {
  /// Copies bytes of a file, for somebody who writes from front to back: what lies behind them in the room is not
  /// written yet, and may be overwritten. Few bytes take a load and a store or two.
  @inline(__always)
  func copy(ahead file: ByteReader, from first: Int, count length: Int, to offset: Int) -> Bool {
    guard length <= 32, length >= 0, has(32, at: offset), first >= 0, first <= file.end &- 32 else {
      return copy(file, from: first, count: length, to: offset)
    }
    let (source, target) = unsafe (UnsafeRawPointer(file.base + first), UnsafeMutableRawPointer(start + offset))
    unsafe target.storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
    if length <= 16 { return true }
    let rest = unsafe source.loadUnaligned(fromByteOffset: 16, as: SIMD16<UInt8>.self)
    unsafe target.storeBytes(of: rest, toByteOffset: 16, as: SIMD16<UInt8>.self)
    return true
  }

  /// Writes a number as `width` bytes in LEB128, for somebody who writes from front to back. A signed number is passed
  /// with its sign extended.
  @inline(__always)
  func write(ahead value: UInt64, isSigned: Bool, width: Int, at offset: Int) -> Bool {
    guard width > 0, width <= 5, has(8, at: offset) else {
      return isSigned
        ? write(signed: Int64(bitPattern: value), width: width, at: offset)
        : write(unsigned: value, width: width, at: offset)
    }
    let unused = 64 &- UInt64(truncatingIfNeeded: width &* 7)
    let low = value &<< unused
    let restored = isSigned ? UInt64(bitPattern: Int64(bitPattern: low) &>> Int64(bitPattern: unused)) : low &>> unused
    guard restored == value else { return false }
    var groups = low &>> unused
    groups = groups & 0x0FFF_FFFF | groups &<< 4 & 0x7F_0000_0000
    groups = groups & 0x7F_0000_3FFF | groups &<< 2 & 0x3FFF_0000
    groups = groups & 0x7F_007F_007F | groups &<< 1 & 0x7F00_7F00
    let more = 0x8080_8080 & ((1 &<< UInt64(truncatingIfNeeded: 8 &* (width &- 1))) &- 1)
    unsafe UnsafeMutableRawPointer(start + offset).storeBytes(of: (groups | more).littleEndian, as: UInt64.self)
    return true
  }
}

extension ByteWriter {
  /// Writes bytes that `fill` puts into a room of that size.
  ///
  /// - Returns: What `fill` returned; if `false`, nothing is written.
  mutating func raw(count: Int, _ fill: (OutputRoom) -> Bool) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(count, 1)) { buffer in
      // The room is the buffer, which is there until this returns; complete, it was written to the last byte.
      guard let start = buffer.baseAddress, fill(unsafe OutputRoom(start, count: count)) else { return false }
      unsafe raw(ByteReader(start, 0..<count))
      return true
    }
  }
}
