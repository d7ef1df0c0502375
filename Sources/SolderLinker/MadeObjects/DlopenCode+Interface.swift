import WebAssemblyFormat

// The five functions that programs call.
extension DlopenCode {
  /// The constants of `dlfcn.h` as musl has them, which WASI's and emscripten's C library share.
  private static let noLoad = 4
  private static let global = 0x100
  private static let next = -1

  mutating func writeOpen() {
    let (path, mode, rest, found, library, byte) = (0, 1, 2, 3, 4, 5)
    code.begin(locals: [.pointer, .int, .int, .int])
    code.get(path)
    code.pointers(.isZero)
    code.ifTrue()
    code.address(symbols.records)
    code.leave()
    code.end()
    // The path, and what is left of it behind each slash.
    code.get(path)
    code.set(rest)
    code.block()
    code.loop()
    code.int(0)
    code.int(layout.libraryNameCount)
    code.get(rest)
    call(.find)
    code.tee(found)
    code.isNotNegative()
    code.branchIf(1)
    code.loop()
    code.get(rest)
    code.loadByte()
    code.tee(byte)
    code.ints(.isZero)
    code.ifTrue()
    leaveFailing(.noLibrary) { $0.get(path) }
    code.end()
    advance(rest)
    code.get(byte)
    code.int(0x2F)
    code.ints(.notEqual)
    code.branchIf(0)
    code.end()
    code.branch(0)
    code.end()
    code.end()
    entry(found)
    code.load(4)
    code.set(library)
    refuseUnopened(path, mode, library)
    call(.lock)
    countHandle(library, by: 1)
    addFlags(library, DlopenLayout.isOpened)
    makeGlobal(library, mode)
    construct(library)
    call(.unlock)
    record(library)
    code.finish()
  }

  private mutating func leaveFailing(_ text: DlopenText, _ subject: (inout ObjectCode) -> Void) {
    subject(&code)
    fail(text)
    code.pointer(0)
    code.leave()
  }

  /// With RTLD_NOLOAD, only what is there is found.
  private mutating func refuseUnopened(_ path: Int, _ mode: Int, _ library: Int) {
    code.get(mode)
    code.int(Self.noLoad)
    code.ints(.and)
    code.ifTrue()
    code.get(library)
    code.int(layout.linkedCount)
    code.ints(.atLeast)
    code.ifTrue()
    testFlag(library, DlopenLayout.isOpened)
    code.ints(.isZero)
    code.ifTrue()
    leaveFailing(.notOpened) { $0.get(path) }
    code.end()
    code.end()
    code.end()
  }

  private mutating func testFlag(_ library: Int, _ flag: Int) {
    state(library)
    code.load(4)
    code.int(flag)
    code.ints(.and)
  }

  private mutating func addFlags(_ library: Int, _ flags: Int) {
    state(library)
    state(library)
    code.load(4)
    code.int(flags)
    code.ints(.or)
    code.store(4)
  }

  private mutating func countHandle(_ library: Int, by difference: Int) {
    add(difference) { $0.state(library) }
  }

  /// With RTLD_GLOBAL, a library that is not there from the start comes to those that everybody finds.
  private mutating func makeGlobal(_ library: Int, _ mode: Int) {
    code.get(mode)
    code.int(Self.global)
    code.ints(.and)
    code.ints(.isZero)
    code.ints(.isZero)
    code.get(library)
    code.int(layout.linkedCount)
    code.ints(.atLeast)
    code.ints(.and)
    code.ifTrue()
    testFlag(library, DlopenLayout.isGlobal)
    code.ints(.isZero)
    code.ifTrue()
    addFlags(library, DlopenLayout.isGlobal)
    code.address(symbols.state)
    code.address(symbols.state, layout.globalCount)
    code.load()
    code.widen()
    code.pointer(2)
    code.pointers(.shiftLeft)
    code.pointers(.add)
    code.get(library)
    code.store(layout.globals)
    add(1) { $0.code.address($0.symbols.state, $0.layout.globalCount) }
    code.end()
    code.end()
  }

  private mutating func construct(_ library: Int) {
    guard layout.groupCount > 0 else { return }
    record(library)
    code.load(Self.construct)
    code.ifTrue()
    record(library)
    code.load(Self.construct)
    code.widen()
    code.callIndirect(symbols.constructorType, symbols.functionTable)
    code.end()
  }

  mutating func writeSymbol() {
    let (handle, name, entry, kind) = (0, 1, 2, 3)
    code.begin(locals: [.int, .int])
    code.block()
    // RTLD_DEFAULT and RTLD_NEXT: the program itself asks, so the next library is the one behind it.
    for (value, first) in [(0, 0), (Self.next, 1)] {
      code.get(handle)
      code.pointer(value)
      code.pointers(.equal)
      code.ifTrue()
      code.int(first)
      code.get(name)
      call(.findInAll)
      code.set(entry)
      code.branch(1)
      code.end()
    }
    code.get(handle)
    call(.index)
    code.tee(entry)
    code.isNegative()
    code.ifTrue()
    leaveFailing(.badHandle) { $0.get(name) }
    code.end()
    code.get(entry)
    code.ifTrue()
    code.get(entry)
    code.get(name)
    call(.findInScope)
    code.set(entry)
    code.otherwise()
    code.int(0)
    code.get(name)
    call(.findInAll)
    code.set(entry)
    code.end()
    code.end()
    code.get(entry)
    code.isNegative()
    code.ifTrue()
    leaveFailing(.noSymbol) { $0.get(name) }
    code.end()
    self.kind(entry)
    code.set(kind)
    for (wanted, text) in [(DlopenKind.threadLocal, DlopenText.threadLocal), (.other, .otherKind)] {
      code.get(kind)
      code.int(Int(wanted.rawValue))
      code.ints(.equal)
      code.ifTrue()
      leaveFailing(text) { $0.get(name) }
      code.end()
    }
    code.get(entry)
    call(.value)
    code.finish()
  }

  mutating func writeClose() {
    let (handle, library) = (0, 1)
    code.begin(locals: [.int])
    call(.lock)
    code.get(handle)
    call(.index)
    code.tee(library)
    code.isNegative()
    code.ifTrue()
    code.address(symbols.texts, DlopenText.close.offset)
    fail(.badHandle)
    call(.unlock)
    code.int(1)
    code.leave()
    code.end()
    code.get(library)
    code.ifTrue()
    countHandle(library, by: -1)
    code.end()
    call(.unlock)
    code.int(0)
    code.finish()
  }

  // MARK: What an address is

  /// Functions are known by their slots, and a slot may look like an address of data: functions come first. Data is known
  /// by its first byte; in the block of a library, by the symbol that begins last before it.
  mutating func writeAddress() {
    let (address, information, wanted, library, entry, end) = (0, 1, 2, 3, 4, 5)
    let (best, first, bestValue) = (6, 7, 8)
    code.begin(locals: [.int, .int, .int, .int, .int, .pointer, .pointer])
    forEach(wanted) { $0.int(2) }
    code.int(0)
    code.set(library)
    forEachExport(library, entry, end)
    kind(entry)
    code.get(wanted)
    code.ints(.equal)
    code.ifTrue()
    code.get(entry)
    call(.value)
    code.get(address)
    code.pointers(.equal)
    code.ifTrue()
    leaveTelling(information, library, entry)
    code.end()
    code.end()
    nextExport(library, entry)
    next(wanted)
    code.int(0)
    code.set(library)
    forEach(library) { [layout] in $0.int(layout.libraryCount) }
    block(library)
    code.set(first)
    code.get(address)
    code.get(first)
    code.pointers(.subtract)
    record(library)
    code.load(Self.blockSize)
    code.widen()
    code.pointers(.less)
    code.ifTrue()
    findLast(before: address, in: library, entry, end, best, bestValue)
    leaveTelling(information, library, best)
    code.end()
    next(library)
    code.int(0)
    code.finish()
  }

  /// A loop over what all libraries export.
  private mutating func forEachExport(_ library: Int, _ entry: Int, _ end: Int) {
    forEach(library) { [layout] in $0.int(layout.libraryCount) }
    forEachExport(of: library, entry, end)
  }

  private mutating func nextExport(_ library: Int, _ entry: Int) {
    next(entry)
    next(library)
  }

  private mutating func forEachExport(of library: Int, _ entry: Int, _ end: Int) {
    record(library)
    code.load(Self.firstEntry)
    code.tee(entry)
    record(library)
    code.load(Self.entryCount)
    code.ints(.add)
    code.set(end)
    forEach(entry) { $0.get(end) }
  }

  /// The address of a library's block of data; null if it has none.
  private mutating func block(_ library: Int) {
    record(library)
    code.pointer(Self.block)
    code.pointers(.add)
    record(library)
    code.load(Self.block)
    code.widenSigned()
    code.pointers(.add)
  }

  /// Of the data that a library exports, what begins last in front of an address.
  private mutating func findLast(
    before address: Int, in library: Int, _ entry: Int, _ end: Int, _ best: Int, _ bestValue: Int
  ) {
    code.int(-1)
    code.set(best)
    code.pointer(0)
    code.set(bestValue)
    forEachExport(of: library, entry, end)
    kind(entry)
    code.int(Int(DlopenKind.data.rawValue))
    code.ints(.equal)
    code.ifTrue()
    code.get(entry)
    call(.value)
    code.get(bestValue)
    code.pointers(.atLeast)
    code.get(address)
    code.get(entry)
    call(.value)
    code.pointers(.atLeast)
    code.ints(.and)
    code.ifTrue()
    code.get(entry)
    code.tee(best)
    call(.value)
    code.set(bestValue)
    code.end()
    code.end()
    next(entry)
  }

  private mutating func leaveTelling(_ information: Int, _ library: Int, _ entry: Int) {
    code.get(information)
    code.get(library)
    code.get(entry)
    call(.tell)
    code.int(1)
    code.leave()
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
