import WebAssemblyFormat

/// A place in a chunk of bytes that depends on where something ends up.
///
/// Sixteen bytes, in one flat array per unit: a link of a thousand objects has a million of them. The rare addend
/// beyond 32 bits lives in ``Unit/wideAddends`` and is named by its index.
struct Relocation {
  /// Where the operand begins. In code: offset in the file. In data and custom sections: offset in the chunk.
  var offset: UInt32
  /// Index of the symbol in the unit's symbol table; for `typeIndexLEB` and `signedTypeIndex`, of the type; for data
  /// and element indices, of the segment in the unit.
  var target: UInt32
  /// The addend, or an index into ``Unit/wideAddends``.
  var storedAddend: Int32
  var kind: RelocationKind
  /// Bytes that the operand takes in the input.
  var width: UInt8
  var hasWideAddend: Bool
  /// Whether a constant that replaces `global.get` is an i64.
  var isConstant64 = false

  init(_ kind: RelocationKind, at offset: UInt32, width: UInt8, target: UInt32) {
    self.kind = kind
    self.offset = offset
    self.width = width
    self.target = target
    storedAddend = 0
    hasWideAddend = false
  }
}

/// A run of relocations that belong to one chunk.
struct RelocationRange: Equatable {
  var start: UInt32 = 0
  var end: UInt32 = 0

  var isEmpty: Bool { start == end }
  var indices: Range<Int> { Int(start)..<Int(end) }
}
