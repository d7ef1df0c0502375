/// The table of instructions in the form that the scanner reads: plain bytes behind pointers.
///
/// Made once from ``InstructionRun/all`` and never freed. A scan fetches ``shared`` once and keeps the pointers in
/// registers, so that the inner loop pays neither for the check of a lazy global nor for an array's bounds. What it looks
/// up is a byte, or was compared with ``Opcode/limit``: that is what makes the unchecked loads safe.
@frozen @safe
public struct InstructionTable: @unchecked Sendable {
  /// ``Opcode/limit`` bytes: the raw value of ``Immediates`` of each opcode.
  @usableFromInline let immediates: UnsafePointer<UInt8>
  /// 256 entries: how the fast path steps over each plain opcode; see ``FastStep``.
  @usableFromInline let fast: UnsafePointer<FastStep>
  /// 256 entries: behind which opcodes this byte needs a closer look; see ``FastStep/excluded(_:)``.
  @usableFromInline let excluded: UnsafePointer<UInt8>
  /// 256 entries: the raw value of the ``OperandKind`` of the one index behind each plain opcode, 0xFF for the others.
  @usableFromInline let operandKinds: UnsafePointer<UInt8>
  /// 256 entries: bit 0 of each plain opcode tells whether the fast path finds an operand behind it, bit 1 whether its place
  /// is wanted.
  @usableFromInline let roles: UnsafePointer<UInt8>
  /// Whether places are noted; see ``CodePlaces``.
  @usableFromInline let notesPlaces: Bool

  public static let shared = InstructionTable(wantsImplicitMemory: false, notesPlaces: false)
  /// For visitors that want ``OperandKind/implicitMemory``.
  @usableFromInline static let withImplicitMemory = InstructionTable(wantsImplicitMemory: true, notesPlaces: false)
  /// The same two for those that want ``CodePlaces``.
  @usableFromInline static let withPlaces = InstructionTable(wantsImplicitMemory: false, notesPlaces: true)
  @usableFromInline static let withBoth = InstructionTable(wantsImplicitMemory: true, notesPlaces: true)

  private init(wantsImplicitMemory: Bool, notesPlaces: Bool) {
    let immediates = UnsafeMutablePointer<UInt8>.allocate(capacity: Opcode.limit)
    unsafe immediates.initialize(repeating: Immediates.unknown.rawValue, count: Opcode.limit)
    for run in InstructionRun.all {
      unsafe (immediates + Int(run.first)).update(repeating: run.immediates.rawValue, count: run.mnemonics.count)
    }
    let fast = UnsafeMutablePointer<FastStep>.allocate(capacity: 256)
    let excluded = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    let kinds = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    let roles = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    for byte in UInt8.min...UInt8.max {
      let entry = unsafe Immediates(rawValue: immediates[Int(byte)]) ?? .unknown
      let isOperand =
        entry.singleIndex != nil || entry == .typeTable || entry == .memoryArgument && wantsImplicitMemory
      let isPlace = notesPlaces && CodePlaces.areNoted(of: Opcode(rawValue: UInt16(byte)))
      unsafe (fast + Int(byte)).initialize(to: FastStep(opcode: byte, entry, isMarked: isOperand || isPlace))
      unsafe (roles + Int(byte)).initialize(to: (isOperand ? 1 : 0) | (isPlace ? 2 : 0))
      unsafe (kinds + Int(byte)).initialize(to: entry.singleIndex?.rawValue ?? 0xFF)
      unsafe (excluded + Int(byte)).initialize(to: FastStep.excluded(byte))
    }
    unsafe self.immediates = unsafe UnsafePointer(immediates)
    unsafe self.fast = unsafe UnsafePointer(fast)
    unsafe self.excluded = unsafe UnsafePointer(excluded)
    unsafe operandKinds = unsafe UnsafePointer(kinds)
    unsafe self.roles = unsafe UnsafePointer(roles)
    self.notesPlaces = notesPlaces
  }

  /// Whether an instruction reads or writes memory at an address plus a constant offset.
  public func hasMemoryOffset(_ opcode: Opcode) -> Bool {
    self[opcode] == .memoryArgument || self[opcode] == .memoryArgumentLane
  }

  /// The immediates of an opcode.
  @inlinable
  subscript(opcode: Opcode) -> Immediates {
    guard Int(opcode.rawValue) < Opcode.limit else { return .unknown }
    // Every byte of the table was written from an `Immediates`.
    return unsafe unsafeBitCast(immediates[Int(opcode.rawValue)], to: Immediates.self)
  }
}

extension Immediates {
  /// What the number names, of an instruction whose immediate is one index.
  @inlinable
  var singleIndex: OperandKind? {
    switch self {
    case .function: .function
    case .type: .type
    case .table: .table
    case .global: .global
    case .tag: .tag
    case .memory: .memory
    case .data: .data
    case .element: .element
    default: nil
    }
  }
}
