import WebAssemblyFormat

/// Writes fragments with their edits, of whatever lengths, one behind the other.
///
/// What does not fit into the room is counted and not written: whoever measured compares.
struct FragmentWriter {
  private let room: OutputRoom
  /// How many bytes were written, or would have been.
  private(set) var position = 0
  /// Whether all of them were.
  private(set) var fits = true

  init(_ room: OutputRoom) { self.room = room }

  /// Whether the room is full to the last byte.
  var isComplete: Bool { fits && position == room.count }

  /// Writes the number of bytes that follow.
  mutating func write(size: Int) {
    let width = LEB128.length(unsigned: UInt64(size))
    advance(width, room.write(unsigned: UInt64(size), width: width, at: position))
  }

  mutating func write(_ fragment: Fragment, _ patcher: Patcher, length: OperandLength) {
    let (file, relocations) = (patcher.unit.file.bytes, patcher.source.relocations)
    // In registers.
    var writer = self
    var copied = Int(fragment.start)
    for index in fragment.relocations.indices {
      let relocation = relocations[index]
      let offset = Int(relocation.offset)
      writer.copy(file, from: copied, to: offset)
      if let value = patcher.shortOperand(relocation) {
        let width = relocation.shortWidth(of: value, length)
        writer.advance(width, relocation.writeShort(value, width: width, to: room, at: writer.position, isAhead: true))
      } else {
        let replacement = patcher.replacement(for: relocation, length: length)
        writer.advance(replacement.length, replacement.write(to: room, at: writer.position))
      }
      copied = offset &+ Int(relocation.width)
    }
    writer.copy(file, from: copied, to: Int(fragment.start) + Int(fragment.size))
    self = writer
  }

  @inline(__always)
  private mutating func copy(_ file: ByteReader, from first: Int, to end: Int) {
    advance(end - first, room.copy(ahead: file, from: first, count: end - first, to: position))
  }

  @inline(__always)
  private mutating func advance(_ count: Int, _ isWritten: Bool) {
    position &+= count
    fits = fits && isWritten
  }
}
