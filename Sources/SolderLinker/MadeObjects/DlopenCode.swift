import WebAssemblyFormat

// The functions of `dlfcn.h` over the tables, as WebAssembly.
//
// What they do is musl's loader as far as a program can tell: a library is constructed when it is opened for the first time
// and stays; a handle is good until it was closed as often as it was opened; a library opened with RTLD_GLOBAL is
// searched by those who ask for everything. Handles are the addresses of records. With threads, one lock is held while
// libraries are opened, so that a second thread waits until constructors have run; a constructor that opens libraries
// itself has the lock already.

/// A function of the unit; the first five are its interface.
enum DlopenFunction: Int, CaseIterable {
  case dlopen, dlsym, dlclose, dlerror, dladdr
  case compare, find, findIn, findInScope, findInAll, value, index, fail, tell, lock, unlock

  /// The functions that programs refer to.
  static let interface: [DlopenFunction] = [.dlopen, .dlsym, .dlclose, .dlerror, .dladdr]

  var name: ByteString {
    switch self {
    case .dlopen: ByteString("dlopen")
    case .dlsym: ByteString("dlsym")
    case .dlclose: ByteString("dlclose")
    case .dlerror: ByteString("dlerror")
    case .dladdr: ByteString("dladdr")
    case .compare: ByteString("__wasm_dl_compare")
    case .find: ByteString("__wasm_dl_find")
    case .findIn: ByteString("__wasm_dl_find_in")
    case .findInScope: ByteString("__wasm_dl_find_in_scope")
    case .findInAll: ByteString("__wasm_dl_find_in_all")
    case .value: ByteString("__wasm_dl_value")
    case .index: ByteString("__wasm_dl_index")
    case .fail: ByteString("__wasm_dl_fail")
    case .tell: ByteString("__wasm_dl_tell")
    case .lock: ByteString("__wasm_dl_lock")
    case .unlock: ByteString("__wasm_dl_unlock")
    }
  }

  var parameters: [ObjectCode.Value] {
    switch self {
    case .dlopen: [.pointer, .int]
    case .dlsym, .dladdr, .compare, .fail: [.pointer, .pointer]
    case .dlclose, .index: [.pointer]
    case .dlerror, .lock, .unlock: []
    case .find: [.int, .int, .pointer]
    case .findIn, .findInScope, .findInAll: [.int, .pointer]
    case .value: [.int]
    case .tell: [.pointer, .int, .int]
    }
  }

  var results: [ObjectCode.Value] {
    switch self {
    case .dlopen, .dlsym, .dlerror, .value: [.pointer]
    case .dlclose, .dladdr, .compare, .find, .findIn, .findInScope, .findInAll, .index: [.int]
    case .fail, .tell, .lock, .unlock: []
    }
  }
}

/// What the functions say when they fail.
enum DlopenText: Int, CaseIterable {
  case noLibrary, notOpened, badHandle, noSymbol, threadLocal, otherKind
  /// What a closed handle is about, as it has no name.
  case close

  var text: String {
    switch self {
    case .noLibrary: "no library of this name can be opened"
    case .notOpened: "the library has not been opened"
    case .badHandle: "not the handle of an open library"
    case .noSymbol: "symbol not found"
    case .threadLocal: "the symbol is thread-local and has no address for all threads"
    case .otherKind: "the symbol is neither a function nor data"
    case .close: "dlclose"
    }
  }

  /// All texts, each ended by a zero byte.
  static let bytes: [UInt8] = allCases.flatMap { Array($0.text.utf8) + [0] }

  /// Where this one begins among them.
  var offset: Int { DlopenText.allCases[..<rawValue].reduce(0) { $0 + $1.text.utf8.count + 1 } }
}

/// What the tables and the state look like to the functions.
struct DlopenLayout {
  let isShared: Bool
  let libraryCount: Int
  let linkedCount: Int
  let libraryNameCount: Int
  let groupCount: Int

  /// Of the state of each library: how many handles there are, and flags.
  static let stateSize = 8
  static let isOpened = 1
  static let isGlobal = 2

  // Behind the states of libraries: the lock, the libraries opened for all to find, and whether groups were constructed.
  var lock: Int { libraryCount * DlopenLayout.stateSize }
  var globalCount: Int { lock + 4 }
  var globals: Int { globalCount + 4 }
  var constructed: Int { globals + libraryCount * 4 }
  var stateSize: Int { constructed + groupCount }

  // Of what each thread has for itself.
  static let isPending = 0
  static let lockDepth = 4
  static let message = 8
  /// Where the subject of a message has to end, so that every text has room behind it.
  static let subjectEnd = 8 + 192
  static let threadSize = 8 + 288
}

/// Writes the functions.
struct DlopenCode {
  let layout: DlopenLayout
  let symbols: DlopenSymbols
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
    for local in [a, b] {
      code.get(local)
      code.pointer(1)
      code.pointers(.add)
      code.set(local)
    }
    code.get(byte)
    code.branchIf(0)
    code.end()
    code.int(0)
    code.finish()
  }

  /// find(first, count, name): the entry of a name in a row, or -1.
  mutating func writeFind() {
    let (first, end, name, middle, order) = (0, 1, 2, 3, 4)
    code.begin(locals: [.int, .int])
    code.get(first)
    code.get(end)
    code.ints(.add)
    code.set(end)
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
    code.get(name)
    entryName(middle)
    call(.compare)
    code.tee(order)
    code.ints(.isZero)
    code.ifTrue()
    code.get(middle)
    code.leave()
    code.end()
    code.get(order)
    code.int(0)
    code.ints(.lessSigned)
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
    code.int(0)
    code.ints(.lessSigned)
    code.ints(.isZero)
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
    self.entry(entry)
    code.load(4)
    code.widen()
    code.finish()
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
      code.get(end)
      code.pointer(1)
      code.pointers(.add)
      code.set(end)
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
    for local in [source, end] {
      code.get(local)
      code.pointer(1)
      code.pointers(.add)
      code.set(local)
    }
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
    thread(DlopenLayout.lockDepth)
    thread(DlopenLayout.lockDepth)
    code.load()
    code.int(difference)
    code.ints(.add)
    code.store()
  }
}
