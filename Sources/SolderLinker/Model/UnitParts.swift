import WebAssemblyFormat

/// A run of bytes of a file.
struct Extent: Equatable {
  /// Offset in the file.
  var start: UInt32 = 0
  var size: UInt32 = 0
}

/// A run of bytes of a file that is copied into the result, with the relocations inside it.
///
/// Function bodies, constant expressions and declarations are all of this shape, so that one piece of code emits them.
struct Fragment: Equatable {
  /// Offset in the file.
  var start: UInt32 = 0
  var size: UInt32 = 0
  var relocations = RelocationRange()
}

/// The limits of a memory or a table (WebAssembly specification, Limits).
struct Limits: Equatable {
  var minimum: UInt64 = 0
  var maximum: UInt64?
  var isShared = false
  var is64 = false
  /// Log2 of the page size in bytes when the memory declares one (custom page sizes proposal).
  var pageSizeLog2: UInt32?
}

/// The type of a global variable: the encoded value type and its mutability.
struct GlobalType: Equatable {
  /// First byte of the value type; `0x7F` is i32, `0x7E` i64.
  var valueType: UInt8
  var isMutable: Bool
  /// Whether threads share it (shared-everything threads).
  var isShared = false

  /// The byte behind the value type.
  var flags: UInt8 { (isMutable ? 1 : 0) | (isShared ? 2 : 0) }

  /// Whether it is `i32` or `i64`.
  var isInteger: Bool { valueType == 0x7F || valueType == 0x7E }
}

/// An import of a function, before it is known who satisfies it.
struct FunctionImport {
  var module: ByteString
  var name: ByteString
  var type: TypeIndex
  /// Whether it has to be of that very type, and of no subtype (custom descriptors).
  var isExact = false
}

/// An import of anything but a function, before it is known who satisfies it.
struct Import {
  var module: ByteString
  var name: ByteString
  var kind: ExternalKind
  /// Of a tag.
  var type: TypeIndex?
  var global = GlobalType(valueType: 0, isMutable: false)
  var limits = Limits()
  /// First byte of a table's element type.
  var elementType: UInt8 = 0
  /// The type of a global or table as encoded, which may name types of the unit.
  var declaration = Fragment()

  /// The type of a tag.
  var tagType: TypeIndex {
    guard let type else { preconditionFailure("only tags have types by index") }
    return type
  }
}

/// A function that the unit defines.
struct Function {
  var type: TypeIndex
  /// Its COMDAT group, if it is in one.
  var comdat = PackedIndex<UnitComdats>.none
  /// The body behind its size: local declarations and code.
  var body: Extent
  /// Offset in the file of the body's size, from which an object's debug information counts.
  var start: UInt32
  /// The name to show: of the symbol, or of the name section.
  var name: ByteString
}

/// A global variable that the unit defines.
struct GlobalVariable {
  var type: GlobalType
  /// The value type and mutability as encoded.
  var declaration: Fragment
  /// The initial value, with the final `end`.
  var initializer: Fragment
  var name: ByteString
}

/// A table that the unit defines.
struct Table {
  var limits: Limits
  var elementType: UInt8
  /// The reference type as encoded.
  var declaration: Fragment
  /// The initial element, if the table has one, with the final `end`.
  var initializer: Fragment?
  var name: ByteString
}

/// A memory that the unit defines.
struct Memory {
  var limits: Limits
  var name: ByteString
}

/// An exception tag that the unit defines.
struct Tag {
  var type: TypeIndex
  var name: ByteString
}

/// An export of the unit: a name for an index.
struct Export {
  var name: ByteString
  var item: UnitIndex

  var kind: ExternalKind { item.kind }
  var function: FunctionIndex? { if case .function(let index) = item { index } else { nil } }
  var table: TableIndex? { if case .table(let index) = item { index } else { nil } }
  var memory: MemoryIndex? { if case .memory(let index) = item { index } else { nil } }
  var global: GlobalIndex? { if case .global(let index) = item { index } else { nil } }
}

/// Where a data segment goes.
enum SegmentPlacement: Equatable {
  /// Wherever the layout likes, merged with segments of its kind.
  case free
  /// At an offset in another segment of the unit (a piece of a block that must stay whole).
  case inside(segment: SegmentIndex, offset: UInt64)
  /// At this address (static data of a plain module).
  case absolute(UInt64)
  /// Nowhere: code copies it with `memory.init`.
  case passive
  /// Active, in another memory than the first, or at an address that only the host knows: kept as it is.
  case kept(memory: MemoryIndex, offset: Fragment)
}

/// A run of initialised or zero data.
struct Segment {
  var name: ByteString
  /// Log2 of the alignment in bytes.
  var alignment: UInt32 = 0
  var flags: SegmentFlags = []
  /// Its COMDAT group, if it is in one.
  var comdat = PackedIndex<UnitComdats>.none
  /// Bytes of memory it takes; those beyond ``count`` are zero.
  var size: UInt64
  /// The bytes, in the mapped file or in memory of the module.
  var content: ByteReader
  var placement = SegmentPlacement.free

  var isTLS: Bool { flags.contains(.tls) }
  var count: Int { content.remaining }
}

/// An element segment: what fills a run of table slots, or what code copies there.
struct ElementSegment {
  enum Placement: Equatable {
    /// Fills slots of the function table, relative to the unit's block of slots.
    case block(offset: UInt64)
    /// Fills these slots of the plain module's table, which stay where they are.
    case absolute(slot: UInt64)
    /// Copied whole, with its operands relocated: passive, declarative, or for another table.
    case kept
  }
  var placement = Placement.kept
  var isDeclarative = false
  /// The table of an active segment; `nil` for the others.
  var table: TableIndex?
  /// Where an active segment begins.
  var offset: Fragment?
  /// The element type, where the segment spells it out.
  var elementType: Fragment?
  var hasExpressions = false
  /// Whether every item is a function or null, so that ``functions`` lists them.
  var holdsFunctions = false
  /// None for null.
  var functions: [PackedIndex<UnitFunctions>] = []
  var count: UInt32 = 0
  /// The items as encoded, behind their count.
  var items = Fragment()
}

/// A custom section of a unit.
struct CustomSection {
  var name: ByteString
  var content: ByteReader
  /// Index among all sections of the file.
  var index: UInt32
  /// Its COMDAT group, if it is in one.
  var comdat = PackedIndex<UnitComdats>.none
}

extension [CustomSection] {
  /// The place among a file's custom sections, which stand in its order, of one by its index among all sections.
  func index(ofSection index: UInt32) -> Int? {
    let place = indices.partitionPoint { self[$0].index < index }
    return place < count && self[place].index == index ? place : nil
  }
}

/// A constructor: its symbol in the unit, and its priority (lower runs earlier).
struct InitFunction {
  var priority: UInt32
  var symbol: SymbolIndex
}

/// A symbol as a unit states it, before names are resolved.
struct UnitSymbol {
  var name: ByteString
  /// Offset of data in its segment, in bytes; may be negative for a symbol before its block.
  var offset: UInt64 = 0
  var size: UInt64 = 0
  var flags: SymbolFlags
  private var packedType = PackedIndex<UnitTypes>.none
  /// The COMDAT group of the definition, if it is in one. See ``ModuleDraft/completeSymbols()``.
  var comdat = PackedIndex<UnitComdats>.none
  var meaning: Meaning
  var kind: SymbolKind
  /// An undefined function that is only pointed to, so that its type does not matter.
  var isAddressOnly = false
  /// An undefined symbol that is imported, if at all, from `env` under its own name. See ``ModuleDraft/completeSymbols()``.
  var isPlainImport = false

  init(kind: SymbolKind, _ meaning: Meaning, flags: SymbolFlags, name: ByteString, isAddressOnly: Bool = false) {
    self.kind = kind
    self.meaning = meaning
    self.flags = flags
    self.name = name
    self.isAddressOnly = isAddressOnly
  }

  /// The type of a function or tag, where it is known. See ``ModuleDraft/completeSymbols()``.
  @inline(__always)
  var type: TypeIndex? {
    get { packedType.index }
    set { packedType = PackedIndex(newValue) }
  }

  /// What it is among the definitions of its kind; `nil` for what the unit does not define, and for absolute data.
  @inline(__always)
  var definition: DefinitionIndex? { if case .defined(let index) = meaning { index } else { nil } }

  /// What it is among the imports of its kind.
  @inline(__always)
  var imported: ImportIndex? { if case .imported(let index) = meaning { index } else { nil } }

  /// The symbol that this one is another name of: an import that is exported.
  @inline(__always)
  var aliased: SymbolIndex? { if case .alias(let symbol) = meaning { symbol } else { nil } }

  var isUndefined: Bool { flags.contains(.undefined) }
  var isLocal: Bool { flags.contains(.bindingLocal) }
  var isWeak: Bool { flags.contains(.bindingWeak) }
}
