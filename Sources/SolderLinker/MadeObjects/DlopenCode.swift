import WebAssemblyFormat

// The functions of `dlfcn.h` over the tables, as WebAssembly.
//
// What they do is musl's loader as far as a program can tell: a library is constructed when it is opened for the first time
// and stays; a handle is good until it was closed as often as it was opened; a library opened with RTLD_GLOBAL is
// searched by those who ask for everything. Handles are the addresses of records. With threads, one lock is held while
// libraries are opened, so that a second thread waits until constructors have run; a constructor that opens libraries
// itself has the lock already.

/// Writes the functions.
struct DlopenCode {
  let layout: DlopenLayout
  let symbols: DlopenSymbols
  /// Data of which each thread has a copy, by the values of its entries.
  let threadLocals: [SymbolIndex]
  var code: ObjectCode

  // Where a record has what; see `Docs/Dlopen.md`.
  static let name = 0
  static let firstEntry = 4
  static let entryCount = 8
  static let firstScope = 12
  static let scopeCount = 16
  static let construct = 20
  static let block = 24
  static let blockSize = 28

  mutating func write() {
    for function in DlopenFunction.allCases {
      switch function {
      case .dlopen: writeOpen()
      case .dlsym: writeSymbol()
      case .dlclose: writeClose()
      case .dlerror: writeError()
      case .dladdr: writeAddress()
      case .compare: writeCompare()
      case .find: writeFind()
      case .findIn: writeFindIn()
      case .findInScope: writeFindInScope()
      case .findInAll: writeFindInAll()
      case .value: writeValue()
      case .index: writeIndex()
      case .fail: writeFail()
      case .behind: writeBehind()
      case .owner: writeOwner()
      case .tell: writeTell()
      case .lock: writeLock()
      case .unlock: writeUnlock()
      }
    }
  }

  // MARK: Places in the tables

  /// The address of a row's item, whose number is a local variable.
  mutating func place(_ data: SymbolIndex, _ number: Int, shift: Int) {
    code.address(data)
    code.get(number)
    code.widen()
    code.pointer(shift)
    code.pointers(.shiftLeft)
    code.pointers(.add)
  }

  mutating func record(_ library: Int) { place(symbols.records, library, shift: 5) }
  mutating func entry(_ entry: Int) { place(symbols.entries, entry, shift: 3) }
  mutating func state(_ library: Int) { place(symbols.state, library, shift: 3) }

  /// The address of the name of an entry.
  mutating func entryName(_ entry: Int) {
    code.address(symbols.names)
    self.entry(entry)
    code.load()
    code.int((1 << DlopenTables.nameBits) - 1)
    code.ints(.and)
    code.widen()
    code.pointers(.add)
  }

  /// The kind of an entry.
  mutating func kind(_ entry: Int) {
    self.entry(entry)
    code.load()
    code.int(DlopenTables.nameBits)
    code.ints(.shiftRight)
  }

  mutating func call(_ function: DlopenFunction) { code.call(symbols[function]) }

  mutating func thread(_ offset: Int) {
    if layout.isShared, let base = symbols.threadBase {
      code.threadAddress(symbols.thread, offset, base: base)
    } else {
      code.address(symbols.thread, offset)
    }
  }

  /// Fails: with what it is about, which is on the stack.
  mutating func fail(_ text: DlopenText) {
    code.address(symbols.texts, text.offset)
    call(.fail)
  }

  mutating func increase(_ local: Int) {
    code.get(local)
    code.int(1)
    code.ints(.add)
    code.set(local)
  }

  /// A pointer goes to the next byte.
  mutating func advance(_ local: Int) {
    code.get(local)
    code.pointer(1)
    code.pointers(.add)
    code.set(local)
  }

  /// Adds to a number in memory.
  mutating func add(_ difference: Int, at place: (inout DlopenCode) -> Void) {
    place(&self)
    place(&self)
    code.load()
    code.int(difference)
    code.ints(.add)
    code.store()
  }

  /// A loop over the numbers from that in `local` on, with `limit` on the stack: what stands behind leaves it by branching
  /// to 1, and ends with ``next(_:)``.
  mutating func forEach(_ local: Int, below limit: (inout ObjectCode) -> Void) {
    code.block()
    code.loop()
    code.get(local)
    limit(&code)
    code.ints(.atLeast)
    code.branchIf(1)
  }

  mutating func next(_ local: Int) {
    increase(local)
    code.branch(0)
    code.end()
    code.end()
  }

  // MARK: Looking names up

  /// compare(a, b): as strcmp.
  mutating func writeCompare() {
    let (a, b, byte) = (0, 1, 2)
    code.begin(locals: [.int])
    code.loop()
    code.get(a)
    code.loadByte()
    code.tee(byte)
    code.get(b)
    code.loadByte()
    code.ints(.notEqual)
    code.ifTrue()
    code.get(byte)
    code.get(b)
    code.loadByte()
    code.ints(.subtract)
    code.leave()
    code.end()
    advance(a)
    advance(b)
    code.get(byte)
    code.branchIf(0)
    code.end()
    code.int(0)
    code.finish()
  }

  /// Finds the first number from `first` on for which a condition holds, as it does for all behind: it is `first` then.
  mutating func search(
    _ first: Int, _ end: Int, _ middle: Int, isBehind: (inout DlopenCode) -> Void
  ) {
    code.loop()
    code.get(first)
    code.get(end)
    code.ints(.less)
    code.ifTrue()
    code.get(first)
    code.get(end)
    code.ints(.add)
    code.int(1)
    code.ints(.shiftRight)
    code.set(middle)
    isBehind(&self)
    code.ifTrue()
    code.get(middle)
    code.set(end)
    code.otherwise()
    code.get(middle)
    code.int(1)
    code.ints(.add)
    code.set(first)
    code.end()
    code.branch(1)
    code.end()
    code.end()
  }

  /// find(first, count, name): the entry of a name in a row, or -1.
  mutating func writeFind() {
    let (first, end, name, middle, order) = (0, 1, 2, 3, 4)
    code.begin(locals: [.int, .int])
    code.get(first)
    code.get(end)
    code.ints(.add)
    code.set(end)
    search(first, end, middle) { writer in
      writer.code.get(name)
      writer.entryName(middle)
      writer.call(.compare)
      writer.code.tee(order)
      writer.code.ints(.isZero)
      writer.code.ifTrue()
      writer.code.get(middle)
      writer.code.leave()
      writer.code.end()
      writer.code.get(order)
      writer.code.isNegative()
    }
    code.int(-1)
    code.finish()
  }

  /// findIn(library, name): the entry of a name that the library exports, or -1.
  mutating func writeFindIn() {
    let (library, name) = (0, 1)
    code.begin()
    record(library)
    code.load(Self.firstEntry)
    record(library)
    code.load(Self.entryCount)
    code.get(name)
    call(.find)
    code.finish()
  }

  /// Looks in the library whose number is on the stack, and leaves with the entry if it is there.
  mutating func leaveIfFound(_ name: Int, _ found: Int) {
    code.get(name)
    call(.findIn)
    code.tee(found)
    code.isNotNegative()
    code.ifTrue()
    code.get(found)
    code.leave()
    code.end()
  }

  /// findInScope(library, name): in the library, then in those that it needs.
  mutating func writeFindInScope() {
    let (library, name, position, end, found) = (0, 1, 2, 3, 4)
    code.begin(locals: [.int, .int, .int])
    record(library)
    code.load(Self.firstScope)
    code.tee(position)
    record(library)
    code.load(Self.scopeCount)
    code.ints(.add)
    code.set(end)
    forEach(position) { $0.get(end) }
    place(symbols.scopes, position, shift: 2)
    code.load()
    leaveIfFound(name, found)
    next(position)
    code.int(-1)
    code.finish()
  }

  /// findInAll(first, name): in the libraries that are there from the start, from one on; then in those that were opened
  /// for all to find, in that order.
  mutating func writeFindInAll() {
    let (library, name, position, found) = (0, 1, 2, 3)
    code.begin(locals: [.int, .int])
    forEach(library) { [layout] in $0.int(layout.linkedCount) }
    code.get(library)
    leaveIfFound(name, found)
    next(library)
    forEach(position) { [symbols, layout] in
      $0.address(symbols.state, layout.globalCount)
      $0.load()
    }
    place(symbols.state, position, shift: 2)
    code.load(layout.globals)
    leaveIfFound(name, found)
    next(position)
    code.int(-1)
    code.finish()
  }

  /// value(entry): the function pointer or the address.
  mutating func writeValue() {
    let entry = 0
    code.begin()
    kind(entry)
    code.int(Int(DlopenKind.data.rawValue))
    code.ints(.equal)
    code.ifTrue()
    self.entry(entry)
    code.pointer(4)
    code.pointers(.add)
    self.entry(entry)
    code.load(4)
    code.widenSigned()
    code.pointers(.add)
    code.leave()
    code.end()
    if !threadLocals.isEmpty { writeThreadLocalAddress(entry) }
    self.entry(entry)
    code.load(4)
    code.widen()
    code.finish()
  }

  /// The address of thread-local data, which is that of the thread that asks: each has it in a variable.
  private mutating func writeThreadLocalAddress(_ entry: Int) {
    kind(entry)
    code.int(Int(DlopenKind.threadLocal.rawValue))
    code.ints(.equal)
    code.ifTrue()
    for _ in threadLocals { code.block() }
    self.entry(entry)
    code.load(4)
    code.branchTable(threadLocals.count)
    for data in threadLocals {
      code.end()
      code.getGlobal(data)
      code.leave()
    }
    code.end()
  }

  // MARK: Handles and errors

  /// index(handle): the number of the open library, or -1.
  mutating func writeIndex() {
    let (handle, library) = (0, 1)
    code.begin(locals: [.int])
    code.get(handle)
    code.address(symbols.records)
    code.pointers(.subtract)
    code.tee(handle)
    code.pointer(layout.libraryCount * DlopenTables.recordSize)
    code.pointers(.atLeast)
    code.get(handle)
    code.narrow()
    code.int(DlopenTables.recordSize - 1)
    code.ints(.and)
    code.ints(.or)
    code.ifTrue()
    code.int(-1)
    code.leave()
    code.end()
    code.get(handle)
    code.narrow()
    code.int(5)
    code.ints(.shiftRight)
    code.tee(library)
    code.ifTrue()  // The program is always open.
    state(library)
    code.load()
    code.ints(.isZero)
    code.ifTrue()
    code.int(-1)
    code.leave()
    code.end()
    code.end()
    code.get(library)
    code.finish()
  }

  /// fail(subject, text): remembers `subject: text` for dlerror.
  mutating func writeFail() {
    let (subject, text, end, byte) = (0, 1, 2, 3)
    code.begin(locals: [.pointer, .int])
    thread(DlopenLayout.message)
    code.set(end)
    code.get(subject)
    code.pointers(.isZero)
    code.ints(.isZero)
    code.ifTrue()
    copyBytes(from: subject, to: end, byte) { writer in
      writer.code.get(end)
      writer.thread(DlopenLayout.subjectEnd)
      writer.code.pointers(.equal)
    }
    code.end()
    for character in ": ".utf8 {
      code.get(end)
      code.int(Int(character))
      code.storeByte()
      advance(end)
    }
    copyBytes(from: text, to: end, byte) { $0.code.int(0) }
    code.get(end)
    code.int(0)
    code.storeByte()
    thread(DlopenLayout.isPending)
    code.int(1)
    code.store()
    code.finish()
  }

  /// Copies a string without its end, as long as `isFull` does not hold.
  mutating func copyBytes(
    from source: Int, to end: Int, _ byte: Int, isFull: (inout DlopenCode) -> Void
  ) {
    code.block()
    code.loop()
    code.get(source)
    code.loadByte()
    code.tee(byte)
    code.ints(.isZero)
    isFull(&self)
    code.ints(.or)
    code.branchIf(1)
    code.get(end)
    code.get(byte)
    code.storeByte()
    advance(source)
    advance(end)
    code.branch(0)
    code.end()
    code.end()
  }

  mutating func writeError() {
    code.begin()
    thread(DlopenLayout.isPending)
    code.load()
    code.ints(.isZero)
    code.ifTrue()
    code.pointer(0)
    code.leave()
    code.end()
    thread(DlopenLayout.isPending)
    code.int(0)
    code.store()
    thread(DlopenLayout.message)
    code.finish()
  }

  // MARK: The lock

  mutating func writeLock() {
    code.begin()
    if layout.isShared {
      thread(DlopenLayout.lockDepth)
      code.load()
      code.ints(.isZero)
      code.ifTrue()
      code.block()
      code.loop()
      code.address(symbols.state, layout.lock)
      code.int(0)
      code.int(1)
      code.atomic(0x48)  // i32.atomic.rmw.cmpxchg
      code.ints(.isZero)
      code.branchIf(1)
      code.address(symbols.state, layout.lock)
      code.int(1)
      code.wide(-1)
      code.atomic(0x01)  // memory.atomic.wait32
      code.drop()
      code.branch(0)
      code.end()
      code.end()
      code.end()
    }
    changeDepth(by: 1)
    code.finish()
  }

  mutating func writeUnlock() {
    code.begin()
    changeDepth(by: -1)
    if layout.isShared {
      thread(DlopenLayout.lockDepth)
      code.load()
      code.ints(.isZero)
      code.ifTrue()
      code.address(symbols.state, layout.lock)
      code.int(0)
      code.atomic(0x17)  // i32.atomic.store
      code.address(symbols.state, layout.lock)
      code.int(1)
      code.atomic(0x00)  // memory.atomic.notify
      code.drop()
      code.end()
    }
    code.finish()
  }

  mutating func changeDepth(by difference: Int) {
    guard layout.isShared else { return }
    add(difference) { $0.thread(DlopenLayout.lockDepth) }
  }
}
