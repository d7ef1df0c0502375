import WebAssemblyFormat

// What `dlopen` and `dlsym` look things up in: constant data, laid out as `Docs/Dlopen.md` says.
//
//  - Names: every name once, each ended by a zero byte, in the order of their bytes. So the offset of a name says where it
//    stands in the order, and a row of entries that is sorted by name is sorted by the first number of each.
//  - Entries: eight bytes each, the offset of a name with a kind in its two upper bits, and a value. The first row are the
//    names of libraries, then comes a row for each library, with what it exports, and last a row with an entry for the
//    block of data of each library.
//  - Libraries: a record each. The first is the program, then come the libraries that are there from the start, then those
//    that are only opened.
//  - Scopes: for each library the numbers of those in which `dlsym` looks for a name.
//  - Addresses: numbers of entries, for `dladdr`: those of functions in the order of their slots, those of data in that of
//    their addresses, and those of blocks in the same. The order is known when all addresses are; see
//    `DlopenOrderPass.swift`.

/// What an entry's value is.
enum DlopenKind: UInt32 {
  /// The slot of a function in the table; of the name of a library, its number.
  case function = 0
  /// How far behind itself the data lies.
  case data = 1
  /// Which of the variables that have the addresses of a thread's data has that of this.
  case threadLocal = 2
  /// Nothing: a variable, a table or a tag.
  case other = 3
}

/// What a program can open and ask for.
struct DlopenContents {
  /// An exported name. `target` is a symbol of the unit, unless there is nothing to have an address.
  struct Export {
    let name: ByteString
    let kind: DlopenKind
    let target: SymbolIndex?
  }

  struct Library {
    /// What it is called when it is asked about.
    let name: ByteString
    /// What it can be opened by.
    let names: [ByteString]
    let exports: [Export]
    /// The libraries in which `dlsym` looks, itself first.
    var scope: [Int] = []
    /// What constructs it, among ``groups``.
    var group: Int?
    /// Its block of data, and how long that is.
    var block: SymbolIndex?
    var blockSize: UInt64 = 0
  }

  /// Libraries that are constructed together, behind others.
  struct Group {
    let needs: [Int]
    /// Constructors, with the number of their results.
    let constructors: [(function: SymbolIndex, results: Int)]
  }

  /// The first is the program.
  var libraries: [Library] = []
  /// How many of them are there from the start.
  var linkedCount = 0
  var groups: [Group] = []
  /// Functions that take a library down if it was constructed.
  var destructors: [(function: SymbolIndex, group: Int)] = []
}

/// The entries that have an address, row by row.
struct DlopenOrder: Equatable {
  var functions: [Int] = []
  var data: [Int] = []
  var blocks: [Int] = []

  /// One row behind the other.
  var all: [Int] { functions + data + blocks }
}

/// The tables as bytes, with the relocations in them.
struct DlopenTables {
  static let recordSize = 32
  static let entrySize = 8
  /// Bits of an entry's first number that are the offset of a name.
  static let nameBits = 30

  private(set) var names = ByteWriter()
  private(set) var entries = ByteWriter()
  private(set) var records = ByteWriter()
  private(set) var scopes = ByteWriter()
  /// The entries as they stand; addresses give another order.
  private(set) var order = DlopenOrder()
  /// Thread-local data, by the values of its entries.
  private(set) var threadLocals: [SymbolIndex] = []
  private(set) var entryRelocations: [Relocation] = []
  private(set) var recordRelocations: [Relocation] = []
  /// How many names libraries have: the first entries.
  private(set) var libraryNameCount = 0
  /// The entry of the program's block, behind which come those of libraries.
  private(set) var firstBlock = 0
  /// Whether there is more than the numbers in an entry can say.
  private(set) var isTooLarge = false
  private var nameOffsets: [ByteString: UInt32] = [:]

  /// - Parameter constructing: for each group, the function that constructs it.
  init(_ contents: DlopenContents, constructing: [SymbolIndex]) {
    writeNames(contents)
    if isTooLarge { return }
    writeLibraryNames(contents)
    for library in contents.libraries { write(library, constructing) }
    firstBlock = entryCount
    for library in contents.libraries { writeBlock(of: library) }
  }

  private var entryCount: Int { entries.count / DlopenTables.entrySize }

  private mutating func writeNames(_ contents: DlopenContents) {
    var all: [ByteString] = []
    for library in contents.libraries {
      all.append(library.name)
      all += library.names
      all += library.exports.map(\.name)
    }
    all.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    let size = all.reduce(0) { $0 + $1.count + 1 }
    guard size < 1 << DlopenTables.nameBits else {
      isTooLarge = true
      return
    }
    nameOffsets.reserveCapacity(all.count)
    for name in all where nameOffsets[name] == nil {
      nameOffsets[name] = UInt32(names.count)
      names.raw(name.bytes)
      names.byte(0)
    }
  }

  private func offset(of name: ByteString) -> UInt32 {
    guard let offset = nameOffsets[name] else { preconditionFailure("every name is in the table") }
    return offset
  }

  private mutating func writeLibraryNames(_ contents: DlopenContents) {
    var all: [(name: UInt32, library: Int)] = []
    for (index, library) in contents.libraries.enumerated() {
      all += library.names.map { (offset(of: $0), index) }
    }
    all.sort { $0.name < $1.name }
    for (name, library) in all {
      entries.fixed32(name)
      entries.fixed32(UInt32(library))
    }
    libraryNameCount = all.count
  }

  private mutating func write(_ library: DlopenContents.Library, _ constructing: [SymbolIndex]) {
    let exports = library.exports.map { (name: offset(of: $0.name), export: $0) }.sorted { $0.name < $1.name }
    let first = entryCount
    for (name, export) in exports {
      if export.target != nil, export.kind == .function { order.functions.append(entryCount) }
      if export.target != nil, export.kind == .data { order.data.append(entryCount) }
      writeEntry(name, export.kind, export.target)
    }
    let scope = scopes.count / 4
    for index in library.scope { scopes.fixed32(UInt32(index)) }
    records.fixed32(offset(of: library.name))
    for number in [first, exports.count, scope, library.scope.count] { records.fixed32(UInt32(number)) }
    if let group = library.group {
      recordRelocations.append(
        Relocation(.tableIndexI32, at: UInt32(records.count), width: 4, target: constructing[group].rawValue))
    }
    records.fixed32(0)
    if let block = library.block {
      recordRelocations.append(
        Relocation(
          .memoryAddressLocationRelativeI32, at: UInt32(records.count), width: 4, target: block.rawValue))
    }
    records.fixed32(0)
    records.fixed32(UInt32(truncatingIfNeeded: library.blockSize))
  }

  private mutating func writeEntry(_ name: UInt32, _ kind: DlopenKind, _ target: SymbolIndex?) {
    entries.fixed32(name | kind.rawValue << UInt32(DlopenTables.nameBits))
    if let target, kind == .threadLocal {
      entries.fixed32(UInt32(threadLocals.count))
      threadLocals.append(target)
      return
    }
    if let target {
      let kind: RelocationKind = kind == .function ? .tableIndexI32 : .memoryAddressLocationRelativeI32
      entryRelocations.append(Relocation(kind, at: UInt32(entries.count), width: 4, target: target.rawValue))
    }
    entries.fixed32(0)
  }

  private mutating func writeBlock(of library: DlopenContents.Library) {
    if library.block != nil { order.blocks.append(entryCount) }
    writeEntry(offset(of: library.name), library.block == nil ? .other : .data, library.block)
  }
}
