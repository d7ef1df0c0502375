/// Where the instructions of one body stand that tell which values go where: those that read and write locals, globals and
/// constants, add and subtract, open and close blocks, and branch.
///
/// The scan comes by them anyway, so that whoever wants to follow values does not have to decode the body once more. All
/// instructions that the fast path does not step over are among them too, other than floating-point constants.
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

  @inlinable
  mutating func note(_ offset: Int) { marks.append(UInt32(truncatingIfNeeded: offset) &+ origin) }

  /// Whether the places of a plain instruction are wanted.
  static func areNoted(of opcode: Opcode) -> Bool {
    switch opcode {
    case .localGet, .localSet, .localTee, .globalGet, .i32Const, .i64Const, .i32Add, .i32Sub, .i64Add, .i64Sub: true
    case .block, .loop, .if, .else, .try, .catch, .catchAll, .tryTable, .delegate, .end: true
    case .br, .brIf, .brTable, .brOnNull, .brOnNonNull, .return: true
    // unreachable, throw, rethrow, throw_ref, return_call, return_call_indirect, return_call_ref.
    default: [0x00, 0x08, 0x09, 0x0A, 0x12, 0x13, 0x15].contains(opcode.rawValue)
    }
  }
}
