import WebAssemblyFormat

// `dladdr`: what an address is.
//
// Entries are looked up in the order of their addresses: the last that is not behind the address is the one in question.
// Functions are known by their slots, and a slot may look like an address of data: functions come first.
extension DlopenCode {
  mutating func writeAddress() {
    let (address, information, library, position, entry) = (0, 1, 2, 3, 4)
    let (data, blocks) = (layout.functionCount, layout.functionCount + layout.dataCount)
    code.begin(locals: [.int, .int, .int])
    code.get(address)
    code.pointers(.isZero)
    code.ints(.isZero)
    code.ifTrue()
    ifBegins(in: 0..<data, address, position, entry) { writer in
      writer.leaveTelling(information, entry) { $0.owner(of: entry) }
    }
    writeInBlock(blocks..<blocks + layout.blockCount, data..<blocks, address, information, library, position, entry)
    ifBegins(in: data..<blocks, address, position, entry) { writer in
      writer.leaveTelling(information, entry) { $0.owner(of: entry) }
    }
    code.end()
    code.int(0)
    code.finish()
  }

  /// Data in the block of a library that can be opened, by the symbol that begins last in front of it in this block.
  private mutating func writeInBlock(
    _ blocks: Range<Int>, _ data: Range<Int>, _ address: Int, _ information: Int, _ library: Int, _ position: Int,
    _ entry: Int
  ) {
    ifAnyBegins(in: blocks, address, position, entry) { [layout] writer in
      writer.code.get(entry)
      writer.code.int(layout.firstBlock)
      writer.code.ints(.subtract)
      writer.code.set(library)
      writer.code.get(address)
      writer.block(library)
      writer.code.pointers(.subtract)
      writer.record(library)
      writer.code.load(Self.blockSize)
      writer.code.widen()
      writer.code.pointers(.less)
      writer.code.ifTrue()
      writer.ifAnyBegins(in: data, address, position, entry) { writer in
        writer.code.get(entry)
        writer.call(.value)
        writer.block(library)
        writer.code.pointers(.atLeast)
        writer.code.ifTrue()
        writer.leaveTelling(information, entry) { $0.code.get(library) }
        writer.code.end()
      }
      writer.code.int(-1)
      writer.code.set(entry)
      writer.leaveTelling(information, entry) { $0.code.get(library) }
      writer.code.end()
    }
  }

  /// If some entry of a row begins at an address or in front of it, does something with the last.
  private mutating func ifAnyBegins(
    in row: Range<Int>, _ address: Int, _ position: Int, _ entry: Int, _ then: (inout DlopenCode) -> Void
  ) {
    code.int(row.lowerBound)
    code.int(row.upperBound)
    code.get(address)
    call(.behind)
    code.tee(position)
    code.int(row.lowerBound)
    code.ints(.greater)
    code.ifTrue()
    code.get(position)
    code.int(1)
    code.ints(.subtract)
    code.set(position)
    loadEntry(position)
    code.set(entry)
    then(&self)
    code.end()
  }

  /// If some entry of a row begins at an address, does something with it.
  private mutating func ifBegins(
    in row: Range<Int>, _ address: Int, _ position: Int, _ entry: Int, _ then: (inout DlopenCode) -> Void
  ) {
    ifAnyBegins(in: row, address, position, entry) { writer in
      writer.code.get(entry)
      writer.call(.value)
      writer.code.get(address)
      writer.code.pointers(.equal)
      writer.code.ifTrue()
      then(&writer)
      writer.code.end()
    }
  }

  private mutating func loadEntry(_ position: Int) {
    place(symbols.addresses, position, shift: 2)
    code.load()
  }

  private mutating func owner(of entry: Int) {
    code.get(entry)
    call(.owner)
  }

  /// The address of a library's block of data, which it has.
  private mutating func block(_ library: Int) {
    record(library)
    code.pointer(Self.block)
    code.pointers(.add)
    record(library)
    code.load(Self.block)
    code.widenSigned()
    code.pointers(.add)
  }

  private mutating func leaveTelling(_ information: Int, _ entry: Int, _ library: (inout DlopenCode) -> Void) {
    code.get(information)
    library(&self)
    code.get(entry)
    call(.tell)
    code.int(1)
    code.leave()
  }

  // MARK: Searching

  /// behind(first, end, address): the position of the first entry in a row of addresses that begins behind one, or its end.
  mutating func writeBehind() {
    let (first, end, address, middle, entry) = (0, 1, 2, 3, 4)
    code.begin(locals: [.int, .int])
    search(first, end, middle) { writer in
      writer.loadEntry(middle)
      writer.code.tee(entry)
      writer.call(.value)
      writer.code.get(address)
      writer.code.pointers(.greater)
    }
    code.get(first)
    code.finish()
  }

  /// owner(entry): the library in whose row an entry stands, the last whose row does not begin behind it.
  mutating func writeOwner() {
    let (entry, first, end, middle) = (0, 1, 2, 3)
    code.begin(locals: [.int, .int, .int])
    code.int(layout.libraryCount)
    code.set(end)
    search(first, end, middle) { writer in
      writer.record(middle)
      writer.code.load(Self.firstEntry)
      writer.code.get(entry)
      writer.code.ints(.greater)
    }
    code.get(first)
    code.int(1)
    code.ints(.subtract)
    code.finish()
  }

  /// tell(information, library, entry): fills a `Dl_info`; the entry may be -1.
  mutating func writeTell() {
    let (information, library, entry) = (0, 1, 2)
    let size = code.is64 ? 8 : 4
    code.begin()
    code.get(information)
    code.address(symbols.names)
    record(library)
    code.load(Self.name)
    code.widen()
    code.pointers(.add)
    code.storePointer(0)
    code.get(information)
    code.pointer(0)
    code.storePointer(size)
    record(library)
    code.load(Self.blockSize)
    code.ifTrue()
    code.get(information)
    block(library)
    code.storePointer(size)
    code.end()
    for offset in [2, 3] {
      code.get(information)
      code.pointer(0)
      code.storePointer(size * offset)
    }
    code.get(entry)
    code.isNotNegative()
    code.ifTrue()
    code.get(information)
    entryName(entry)
    code.storePointer(size * 2)
    code.get(information)
    code.get(entry)
    call(.value)
    code.storePointer(size * 3)
    code.end()
    code.finish()
  }
}
