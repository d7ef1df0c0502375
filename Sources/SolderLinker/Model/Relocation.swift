import WebAssemblyFormat

/// An edit: some bytes of a fragment that give way to what the link decides.
///
/// Which bytes (``offset``, ``width``), which value (``kind``, ``target``, the addend), and how it is written
/// (``encoding``). A relocation of an object replaces an operand; in lifted code a `global.get` gives way to a constant as
/// a whole, a run of instructions to one, and what linking has made superfluous to nothing. The edits of a fragment are in
/// order, do not overlap, and lie in it whole; ``OperandEncoder`` alone knows what each of them writes.
///
/// Sixteen bytes, in one flat array per unit: a link of a thousand objects has a million of them. The rare addend
/// beyond 32 bits lives in ``UnitRelocations/wideAddends`` and is named by its index.
struct Relocation {
  /// Where the bytes begin. In code: offset in the file. In data and custom sections: offset in the fragment.
  var offset: UInt32
  /// Index of the symbol in the unit's symbol table; for `typeIndexLEB` and `signedTypeIndex`, of the type; for data
  /// and element indices, of the segment in the unit.
  var target: UInt32
  /// The addend, or an index into ``UnitRelocations/wideAddends``.
  var storedAddend: Int32
  var kind: RelocationKind
  /// How many bytes they are in the input.
  var width: UInt8
  private var flags: UInt8 = 0
  var encoding = Encoding.operand

  /// Whether ``storedAddend`` is an index.
  var hasWideAddend: Bool {
    get { flags & 1 != 0 }
    set { flags = flags & ~1 | (newValue ? 1 : 0) }
  }

  /// Whether it is known that none of the instructions that give way assigns a local.
  var assignsNothing: Bool {
    get { flags & 2 != 0 }
    set { flags = flags & ~2 | (newValue ? 2 : 0) }
  }

  /// Whether the number on the stack is another one behind it than it was, until the next such edit, which takes that up:
  /// an address without an index goes into the offset of its access, and leaves zero; or takes a number that was added
  /// later, and is not any more.
  var isProvisional: Bool {
    get { flags & 8 != 0 }
    set { flags = flags & ~8 | (newValue ? 8 : 0) }
  }

  /// Where nothing comes in their place: the local that the last of the instructions assigns, if it is known that no other
  /// does.
  var assignedLocal: UInt32? { flags & 4 != 0 ? UInt32(bitPattern: storedAddend) : nil }

  /// What stands in place of the bytes.
  enum Encoding: UInt8 {
    /// An operand, as ``Relocation/kind`` says.
    case operand
    /// `global.get`, with its operand; or `i32.const` or `i64.const`, if what it reads turns out to be an address.
    case globalGet32, globalGet64
    /// `i32.const` or `i64.const`: the bytes are an instruction, or a run of them.
    case constant32, constant64
    /// Nothing: `nop`s where the code may not become shorter.
    case nothing
    /// What an index is added to for an access to memory: the address goes into the access's offset, and nothing stays
    /// here, or zero where there is no index (``Relocation/isProvisional``), if it is low enough for no sum to wrap around;
    /// otherwise it is `constant32` or `constant64`.
    case indexedBase32, indexedBase64
    /// The addition of such an index, which goes, or stays.
    case indexedSum
    /// The offset of such an access.
    case indexedOffset
  }

  init(
    _ kind: RelocationKind, at offset: UInt32, width: UInt8, target: UInt32 = noTarget, encoding: Encoding = .operand
  ) {
    self.kind = kind
    self.offset = offset
    self.width = width
    self.target = target
    self.encoding = encoding
    storedAddend = 0
  }

  /// Instructions go, with the operands in them; they take at most 255 bytes, as an edit says in one byte how long it is.
  @inline(__always)
  static func removal(of range: Range<Int>) -> Relocation {
    Relocation(
      .removedCall, at: UInt32(truncatingIfNeeded: range.lowerBound), width: UInt8(truncatingIfNeeded: range.count),
      encoding: .nothing)
  }

  /// The same, where the last of the instructions alone assigns a local.
  @inline(__always)
  static func removal(of range: Range<Int>, assigning local: UInt32) -> Relocation {
    var removal = removal(of: range)
    removal.storedAddend = Int32(bitPattern: local)
    removal.flags = 4
    return removal
  }

  /// `local.tee` becomes `local.set`.
  static func setAlone(at offset: Int) -> Relocation {
    var set = Relocation(.constantNumber, at: UInt32(truncatingIfNeeded: offset), width: 1)
    set.storedAddend = Int32(Opcode.localSet.rawValue)
    return set
  }

  /// Where the bytes end.
  var end: UInt32 { offset &+ UInt32(width) }

  /// In place of ``target``, where an edit is about nothing: a number, code that goes, a unit's own block of table slots.
  static let noTarget = UInt32.max

  /// Whether it is about something.
  @inline(__always)
  var hasTarget: Bool { target != Relocation.noTarget }

  /// Whether it counts from the unit's own block of table slots.
  @inline(__always)
  var isInTableBlock: Bool {
    !hasTarget && (kind == .constantTableIndex || kind == .tableIndexI32 || kind == .tableIndexI64)
  }

  /// The symbol that it is about, if it is about one.
  var symbol: SymbolIndex? { namesSymbol ? SymbolIndex(rawValue: target) : nil }

  private var namesSymbol: Bool { kind.namesSymbol && hasTarget }

  /// The symbol that it is about, for whoever knows from its kind that it is about one.
  @inline(__always)
  var namedSymbol: SymbolIndex {
    assert(namesSymbol)
    return SymbolIndex(rawValue: target)
  }

  /// The memory, of `memoryIndex`.
  var memory: MemoryIndex { MemoryIndex(rawValue: target) }

  /// The type, of `typeIndexLEB` and `signedTypeIndex`.
  @inline(__always)
  var type: TypeIndex { TypeIndex(rawValue: target) }

  /// The addend, which may be one of those that are too wide for a relocation.
  func addend(beside wideAddends: [Int64]) -> Int64 {
    hasWideAddend ? wideAddends[Int(storedAddend)] : Int64(storedAddend)
  }

  /// Stores `addend`, beside the relocation where it is too wide.
  mutating func setAddend(_ addend: Int64, beside wideAddends: inout [Int64]) {
    if let narrow = Int32(exactly: addend) {
      storedAddend = narrow
      hasWideAddend = false
    } else {
      storedAddend = Int32(wideAddends.count)
      hasWideAddend = true
      wideAddends.append(addend)
    }
  }
}

extension RelocationKind {
  /// Whether edits of this kind are about symbols, and not about a type, a memory, a segment of the unit, or nothing.
  var namesSymbol: Bool {
    switch self {
    case .typeIndexLEB, .signedTypeIndex, .memoryIndex, .implicitMemory, .dataIndex, .elementIndex, .constantNumber,
      .removedCall:
      false
    default: true
    }
  }
}

extension Relocation.Encoding {
  static func globalGet(is64: Bool) -> Self { is64 ? .globalGet64 : .globalGet32 }

  static func constant(is64: Bool) -> Self { is64 ? .constant64 : .constant32 }

  static func indexedBase(is64: Bool) -> Self { is64 ? .indexedBase64 : .indexedBase32 }

  /// Whether it is a constant in place of instructions, or takes its place.
  var isConstant: Bool { self == .constant32 || self == .constant64 || isIndexedBase }

  var isIndexedBase: Bool { self == .indexedBase32 || self == .indexedBase64 }

  /// Whether it is part of an access with an index.
  @inline(__always)
  var isIndexed: Bool { isIndexedBase || self == .indexedSum || self == .indexedOffset }

  /// Whether the instruction leaves a number of 64 bits.
  var is64: Bool { self == .constant64 || self == .globalGet64 || self == .indexedBase64 }

  /// Whether the input has `global.get` there, and the result may have it too.
  @inline(__always)
  var isGlobalGet: Bool { self == .globalGet32 || self == .globalGet64 }
}

/// A run of relocations that belong to one fragment.
struct RelocationRange: Equatable {
  var start: UInt32 = 0
  var end: UInt32 = 0

  var isEmpty: Bool { start == end }
  var indices: Range<Int> { Int(start)..<Int(end) }
}

extension [Relocation] {
  /// Those of a fragment that are about some of its bytes, across whose ends none reaches.
  func part(of range: RelocationRange, in bytes: Range<UInt64>) -> RelocationRange {
    func first(at offset: UInt64) -> UInt32 {
      (range.start..<range.end).partitionPoint { UInt64(self[Int($0)].offset) < offset }
    }
    return RelocationRange(start: first(at: bytes.lowerBound), end: first(at: bytes.upperBound))
  }
}

/// Relocations that lifting found in the declarations and the data of a finished module.
struct DeclaredRelocations: Sendable {
  var entries: [Relocation] = []
  /// Addends that do not fit into a relocation.
  var wideAddends: [Int64] = []
  /// For each segment, its relocations; the last segments may be left out when they have none.
  var segments: [RelocationRange] = []
}

/// All relocations of a unit, in one array, and which of them belong to which function, segment and custom section.
struct UnitRelocations: Sendable {
  var entries: [Relocation]
  /// Addends that do not fit into a relocation.
  var wideAddends: [Int64]
  var functions: [RelocationRange]
  var segments: [RelocationRange]
  var customSections: [RelocationRange]
  /// What takes the place of the initial values of globals that the unit defines, in order.
  var initialValues: [(global: Int, relocations: RelocationRange)] = []

  /// Those of a module's declarations and data, which fragments and segments name.
  init(declaredBy module: InputModule) {
    let declared = module.declaredRelocations
    entries = declared.entries
    wideAddends = declared.wideAddends
    let none = RelocationRange()
    functions = Array(repeating: none, count: module.functions.count)
    segments = declared.segments
    segments.append(contentsOf: repeatElement(none, count: module.segments.count - segments.count))
    customSections = Array(repeating: none, count: module.customSections.count)
  }
}
