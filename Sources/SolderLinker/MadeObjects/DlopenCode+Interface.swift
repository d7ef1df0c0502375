import WebAssemblyFormat

// The functions that programs call, but for `dladdr` (`DlopenCode+Address.swift`).
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
    let (handle, name, entry) = (0, 1, 2)
    code.begin(locals: [.int])
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
    kind(entry)
    code.int(Int(DlopenKind.other.rawValue))
    code.ints(.equal)
    code.ifTrue()
    leaveFailing(.otherKind) { $0.get(name) }
    code.end()
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
}
