import WebAssemblyFormat

/// Bytes of a custom section as they are in the result, but for what their relocations write.
struct SectionChunk: Sendable {
  /// Bytes that are written over others.
  struct Overwrite {
    var offset: UInt32
    var width: UInt8
    /// Little-endian.
    var value: UInt64
  }

  /// A number of four bytes that is written over others. Nearly all that changes is of this kind.
  struct Number {
    var offset: UInt32
    var value: UInt32
  }

  /// Where offsets of four bytes stand that count from the beginning of another section of the file, which the source has
  /// there: relocations in a quarter of the room.
  struct References {
    /// The section.
    var target: SymbolIndex
    var places: [UInt32]
  }

  /// Those of the file, which `numbers` and `overwrites` change; or bytes of its own.
  let source: ByteReader?
  var bytes: [UInt8] = []
  var numbers: [Number] = []
  var overwrites: [Overwrite] = []
  /// Of bytes of the file, what is a relocation where the result has none.
  var references: [References] = []
  /// In order; offsets count from the first byte.
  var relocations: [Relocation] = []

  init(bytes: [UInt8], relocations: [Relocation] = []) {
    source = nil
    self.bytes = bytes
    self.relocations = relocations
  }

  /// Bytes of the file of which little changes, so that they are not copied before the result is written.
  init(source: ByteReader) { self.source = source }

  var count: Int { source?.count ?? bytes.count }
}

/// A custom section that is not copied from its file, since what it says of code has changed.
struct RewrittenSection: Sendable {
  /// One behind the other.
  let chunks: [SectionChunk]
  /// Where the bytes of the file's section went.
  let map: OffsetMap
  let size: Int

  init(_ chunks: [SectionChunk], _ map: OffsetMap) {
    self.chunks = chunks
    self.map = map
    size = chunks.reduce(0) { $0 + $1.count }
  }
}

/// The custom sections of all units that are written anew, and those that are made of them.
struct RewrittenSections: Sendable {
  private var sections: [RewrittenSection] = []
  /// By custom section, over all units; empty where none is written anew.
  private var indices = Row<LinkCustomSections, PackedIndex<RewrittenSections>>()
  /// Units whose debug information is left out because it could not be read.
  private(set) var withoutDebugInformation: Set<UnitID> = []
  /// Sections that are left out, since nothing makes them true.
  private var omitted: Set<CustomSectionID> = []
  /// Annotations of code, joined over all units, which stand in front of the code.
  var annotations: [(name: ByteString, contents: ByteWriter)] = []

  /// - Parameter count: how many custom sections all units have.
  init(count: Int = 0) { indices = Row(repeating: .none, count: count) }

  mutating func add(_ section: RewrittenSection, for id: CustomSectionID) {
    indices[id] = PackedIndex(Index(sections.count))
    sections.append(section)
  }

  mutating func omit(_ id: CustomSectionID) { omitted.insert(id) }

  func omits(_ id: CustomSectionID) -> Bool { !omitted.isEmpty && omitted.contains(id) }

  mutating func leaveOutDebugInformation(of unit: UnitID) { withoutDebugInformation.insert(unit) }

  /// What becomes of a custom section; `nil` for one that is copied.
  subscript(id: CustomSectionID) -> RewrittenSection? {
    indices[checked: id]?.index.map { sections[Int($0)] }
  }

  /// All relocations of the sections of a unit that are written anew.
  func relocations(of unit: Unit) -> [Relocation] {
    unit.customSections.indices.flatMap { self[unit.bases.custom + $0]?.chunks.flatMap(\.relocations) ?? [] }
  }
}
