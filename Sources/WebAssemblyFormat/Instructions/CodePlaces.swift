/// Where the instructions of one body stand that tell which values go where: those that read and write locals, read globals
/// and constants, open and close blocks, and branch.
///
/// The scan comes by them anyway, so that whoever wants to follow values does not have to decode the body once more. All
/// instructions that the fast path does not step over are among them too, other than floating-point constants.
///
/// Invariant: the places ascend, and lie in the file whose first byte has the address of which `origin` is the lower half.
@frozen
public struct CodePlaces: Sendable {
  /// The lower halves of the instructions' addresses, as the scan notes them.
  @usableFromInline var marks: [UInt32] = []
  /// The lower half of the address of the file's first byte.
  @usableFromInline var origin: UInt32 = 0

  public init() {}

  @inlinable public var count: Int { marks.count }

  /// The offset in the file of an instruction, of which those in front stand in front.
  @inlinable
  public subscript(index: Int) -> Int { Int(marks[index] &- origin) }

  /// Some of the places, by their indices.
  public struct Picked {
    /// The first ``count`` of these.
    fileprivate var indices: [UInt32] = []
    public fileprivate(set) var count = 0

    public init() {}

    public subscript(index: Int) -> Int { Int(indices[index]) }
  }

  /// Picks the places of instructions, by their first two bytes, without a branch.
  ///
  /// - Parameters:
  ///   - code: the body, or the file, whose places these are.
  ///   - first: of each first byte 2 if the instruction is wanted, 1 if the second byte decides, or 0.
  ///   - second: of each second byte 1 or 0.
  ///   - picked: receives the indices of the places.
  public func pick(from code: ByteReader, first: [UInt8], second: [UInt8], into picked: inout Picked) {
    picked.count = 0
    guard count > 0 else { return }
    let base = unsafe code.base
    let address = UInt32(truncatingIfNeeded: UInt(bitPattern: base))
    precondition(
      first.count == 256 && second.count == 256 && self[count - 1] < code.end && address == origin,
      "these are places of another file")
    if picked.indices.count < count {
      picked.indices.append(contentsOf: repeatElement(0, count: count - picked.indices.count))
    }
    // The last place may be the last byte of the file.
    let last = count - 1
    var found = 0
    unsafe marks.withUnsafeBufferPointer { marks in
      unsafe picked.indices.withUnsafeMutableBufferPointer { picked in
        unsafe first.withUnsafeBufferPointer { first in
          unsafe second.withUnsafeBufferPointer { second in
            for index in 0..<last {
              let instruction = unsafe base + Int(marks[index] &- origin)
              let wanted = unsafe first[Int(instruction[0])]
              let isSecondWanted = unsafe second[Int(instruction[1])]
              unsafe picked[found] = UInt32(truncatingIfNeeded: index)
              found &+= Int(wanted & isSecondWanted | wanted &>> 1)
            }
          }
        }
      }
    }
    if first[Int(code[self[last]])] == 2 {
      picked.indices[found] = UInt32(truncatingIfNeeded: last)
      found += 1
    }
    picked.count = found
  }

  @inlinable
  mutating func note(_ offset: Int) { marks.append(UInt32(truncatingIfNeeded: offset) &+ origin) }

  /// Whether the places of a plain instruction are wanted.
  static func areNoted(of opcode: Opcode) -> Bool {
    switch opcode {
    case .localGet, .localSet, .localTee, .globalGet, .i32Const, .i64Const: true
    case .block, .loop, .if, .else, .try, .catch, .catchAll, .tryTable, .delegate, .end: true
    case .br, .brIf, .brTable, .brOnNull, .brOnNonNull, .return: true
    // unreachable, throw, rethrow, throw_ref, return_call, return_call_indirect, return_call_ref.
    default: [0x00, 0x08, 0x09, 0x0A, 0x12, 0x13, 0x15].contains(opcode.rawValue)
    }
  }
}
