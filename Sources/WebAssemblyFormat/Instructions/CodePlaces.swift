/// Where the instructions of one body stand that tell which values locals hold: those that read and write locals, open and
/// close blocks, and branch.
///
/// The scan comes by them anyway, so that whoever wants to follow values does not have to decode the body once more. All
/// instructions that the fast path does not step over are among them too, other than floating-point constants.
///
/// Invariant: the places ascend, and lie in the file whose first byte has the address of which `origin` is the lower half.
@frozen
public struct CodePlaces: Sendable {
  /// The lower halves of the instructions' addresses, as the scan notes them: the first ``count`` of these.
  @usableFromInline var marks: [UInt32] = []
  /// Of each, its first two bytes, the first one in the lower half; there are four more than places.
  @usableFromInline private(set) var heads: [UInt16] = []
  @usableFromInline private(set) var used = 0
  /// The lower half of the address of the file's first byte.
  @usableFromInline var origin: UInt32 = 0

  public init() {}

  @inlinable public var count: Int { used }

  /// The offset in the file of an instruction, of which those in front stand in front.
  @inlinable
  public subscript(index: Int) -> Int { Int(marks[index] &- origin) }

  /// The last place in front of an offset in the file; `nil` if there is none.
  ///
  /// - Parameter skipping: how many places there may be between the two, as far as there are any.
  public func last(before offset: Int, skipping: Int = 0) -> Int? {
    let following = (0..<used).partitionPoint { self[$0] < offset }
    return following > 0 ? self[max(0, following - 1 - skipping)] : nil
  }

  /// The first place, from an index on, of an instruction that reads or writes a local, or one whose index takes more than
  /// one byte, by its index among the places.
  ///
  /// - Parameter local: of one byte, so less than 0x80.
  public func firstAccess(to local: UInt8, from index: Int) -> Int? {
    precondition(index >= 0 && heads.count >= used + 4 || used == 0)
    // Four at a time, with the opcode in the higher half. Of local.get, local.set and local.tee (0x20, 0x21 and 0x22) nothing
    // is left but the index, in which 0x80 is what is looked for, and less what goes on in the next byte.
    let (ones, highest): (UInt64, UInt64) = (0x0001_0001_0001_0001, 0x8000_8000_8000_8000)
    let low: UInt64 = 0x00FF_00FF_00FF_00FF
    let wanted = (0x20 | UInt64(local ^ 0x80) &<< 8) &* ones
    return unsafe heads.withUnsafeBytes { heads in
      var next = index
      while next < used {
        let word = unsafe UInt64(littleEndian: heads.loadUnaligned(fromByteOffset: 2 &* next, as: UInt64.self))
        var rest = (word ^ wanted) & 0xFFFC_FFFC_FFFC_FFFC
        rest = (rest & low) &<< 8 | (rest &>> 8) & low
        let found = ~((rest | highest) &- 0x81 &* ones | rest) & highest
        if found != 0 {
          let place = next &+ found.trailingZeroBitCount &>> 4
          return place < used ? place : nil
        }
        next &+= 4
      }
      return nil
    }
  }

  /// Some of the places: offsets in the file.
  @frozen
  public struct Picked {
    /// The first ``count`` of these.
    @usableFromInline var offsets: [UInt32] = []
    @usableFromInline var used = 0

    public init() {}

    @inlinable public var count: Int { used }

    @inlinable @inline(__always)
    public subscript(index: Int) -> Int { Int(offsets[index]) }
  }

  /// Picks the places of instructions, by their first two bytes, without a branch.
  ///
  /// - Parameters:
  ///   - code: the body, or the file, whose places these are.
  ///   - first: of each first byte 2 if the instruction is wanted, 1 if the second byte decides, or 0.
  ///   - second: of each second byte 1 or 0.
  ///   - picked: receives the places.
  public func pick(from code: ByteReader, first: [UInt8], second: [UInt8], into picked: inout Picked) {
    picked.used = 0
    guard count > 0 else { return }
    let (base, origin) = unsafe (code.base, origin)
    let address = UInt32(truncatingIfNeeded: UInt(bitPattern: base))
    precondition(
      first.count == 256 && second.count == 256 && self[count - 1] < code.end && address == origin,
      "these are places of another file")
    if picked.offsets.count < count {
      picked.offsets.append(contentsOf: repeatElement(0, count: count - picked.offsets.count))
    }
    // The last place may be the last byte of the file.
    let last = count - 1
    var found = 0
    unsafe marks.withUnsafeBufferPointer { marks in
      unsafe picked.offsets.withUnsafeMutableBufferPointer { picked in
        unsafe first.withUnsafeBufferPointer { first in
          unsafe second.withUnsafeBufferPointer { second in
            for index in 0..<last {
              let offset = unsafe marks[index] &- origin
              let bytes = unsafe UnsafeRawPointer(base + Int(offset)).loadUnaligned(as: UInt16.self).littleEndian
              let wanted = unsafe first[Int(bytes & 0xFF)]
              let isSecondWanted = unsafe second[Int(bytes &>> 8)]
              unsafe picked[found] = offset
              found &+= Int(wanted & isSecondWanted | wanted &>> 1)
            }
          }
        }
      }
    }
    if first[Int(code[self[last]])] == 2 {
      picked.offsets[found] = UInt32(truncatingIfNeeded: self[last])
      found += 1
    }
    picked.used = found
  }

  /// Makes the places those of another body, of which there is none yet.
  @inlinable
  mutating func begin(origin: UInt32) {
    used = 0
    self.origin = origin
  }

  /// Notes the place where a reader stands.
  @inlinable
  mutating func note(_ reader: ByteReader) {
    makeRoom(1)
    marks[used] = UInt32(truncatingIfNeeded: reader.offset) &+ origin
    var rest = reader
    let first = (try? rest.byte()) ?? 0
    heads[used] = UInt16(first) | UInt16(rest.peek() ?? 0) &<< 8
    used += 1
  }

  /// Notes those of the marks that are places, and keeps those of the marks that are operands.
  ///
  /// - Parameters:
  ///   - base: the file's first byte.
  ///   - count: of the marks.
  ///   - roles: of each opcode, bit 0 if it has an operand, and bit 1 if its place is wanted.
  /// - Returns: How many marks are left.
  @inlinable
  mutating func sift(
    _ new: UnsafeMutablePointer<UInt32>, count: Int, base: UnsafePointer<UInt8>, roles: UnsafePointer<UInt8>
  ) -> Int {
    makeRoom(count)
    let (origin, start) = (origin, used)
    var (left, noted) = (0, 0)
    unsafe marks.withUnsafeMutableBufferPointer { marks in
      unsafe heads.withUnsafeMutableBufferPointer { heads in
        // There is room for all.
        guard let firstMark = marks.baseAddress, let firstHead = heads.baseAddress else { return }
        let (places, starts) = unsafe (firstMark + start, firstHead + start)
        for index in 0..<count {
          let mark = unsafe new[index]
          let head = unsafe UnsafeRawPointer(base + Int(mark &- origin)).loadUnaligned(as: UInt16.self).littleEndian
          let role = unsafe Int(roles[Int(UInt8(truncatingIfNeeded: head))])
          unsafe new[left] = mark
          unsafe places[noted] = mark
          unsafe starts[noted] = head
          left &+= role & 1
          noted &+= role &>> 1
        }
      }
    }
    used += noted
    return left
  }

  @inlinable
  mutating func makeRoom(_ count: Int) {
    let missing = used + count + 4 - marks.count
    if missing <= 0 { return }
    marks.append(contentsOf: repeatElement(0, count: max(missing, 1024)))
    heads.append(contentsOf: repeatElement(0, count: marks.count - heads.count))
  }

  /// Whether the places of a plain instruction are wanted.
  static func areNoted(of opcode: Opcode) -> Bool {
    switch opcode {
    case .localGet, .localSet, .localTee: true
    case .block, .loop, .if, .else, .try, .catch, .catchAll, .tryTable, .delegate, .end: true
    case .br, .brIf, .brTable, .brOnNull, .brOnNonNull, .return: true
    // unreachable, throw, rethrow, throw_ref, return_call, return_call_indirect, return_call_ref.
    default: [0x00, 0x08, 0x09, 0x0A, 0x12, 0x13, 0x15].contains(opcode.rawValue)
    }
  }
}
