import WebAssemblyFormat

// Expressions: where a variable is, as a little program (DWARF 5, 2.5 and 7.7.1).
//
// Three of their operations speak of what linking moves: an address, an index into the addresses of the unit, and a
// variable of WebAssembly (`DW_OP_WASM_location`). A compiler says of data in a library `global __memory_base, address,
// plus`; in the result there is no such global, and the address is a constant. What it writes then is the address and
// nothing else, in front, where debuggers look for it, and `nop`s behind, since no entry may change its length.
//
// Of thread-local data it says `global __tls_base, address, plus`, where the variable is the library's own and stays that. In
// an object it is everybody's, from which the library's block is some way away: both operands get relocations. What has
// no place for one says that the variable was optimised away.

/// Finds what refers to something in an expression of a finished module.
struct ExpressionWalker {
  private let file: DebugFile
  private let context: UnitContext
  /// Offset in the section of the chunk's first byte.
  private let chunkStart: Int
  // Of the expression that is read.
  /// Whether addresses are those of functions.
  private var isFunction = false
  /// The function that the expression is about, if it lost places that variables may have been in.
  private var losing: Int?
  /// For which code of it the expression holds.
  private var extent = LocationExtent.function
  private var isLost = false
  /// Whether something of it cannot be said in the result.
  private var isUnsayable = false
  /// The variable that was named last, and what the result knows it as: mostly it is the stack pointer, again.
  private var lastGlobal: (index: UInt64, number: UInt32)?

  init(_ file: DebugFile, _ context: UnitContext, chunkStart: Int) {
    self.file = file
    self.context = context
    self.chunkStart = chunkStart
  }

  private enum Code {
    static let address: UInt8 = 0x03
    static let constant4: UInt8 = 0x0C
    static let constant8: UInt8 = 0x0E
    static let plus: UInt8 = 0x22
    static let nop: UInt8 = 0x96
    static let piece: UInt8 = 0x93
    static let addressIndex: UInt8 = 0xA1
    static let location: UInt8 = 0xED
    static let gnuAddressIndex: UInt8 = 0xFB
    static let constantIndex: UInt8 = 0xA2
    static let gnuConstantIndex: UInt8 = 0xFC

    /// Whether an operation makes the address of thread-local data of the number that it finds.
    static func findsThreadLocal(_ code: UInt8?) -> Bool { code == 0x9B || code == 0xE0 }
  }

  /// How deep expressions may be in each other.
  private static let mostDepth = 16

  /// A variable of WebAssembly that an operation names.
  private struct Global {
    var range: Range<Int>
    var isFixed: Bool
    var index: UInt64
  }

  /// Reads one expression.
  ///
  /// - Parameters:
  ///   - place: in the function that the expression is about.
  ///   - extent: for which code of it the expression holds; from that place on if it is not said.
  /// - Throws: ``FormatError`` for what is damaged, and for operations that are not known.
  mutating func run(
    _ expression: ByteReader, isFunction: Bool = false, from place: CodePlace?,
    extent: LocationExtent? = nil, _ code: inout CodeCursor, _ chunk: inout SectionChunk, _ uses: inout [AddressUse]
  ) throws(FormatError) {
    self.isFunction = isFunction
    losing = place.flatMap { file.losing(at: $0) }
    (self.extent, isLost) = (extent ?? place.map { .from($0.offset) } ?? .function, false)
    isUnsayable = false
    let relocations = chunk.relocations.count
    try walk(expression, &code, &chunk, &uses)
    if isLost || isUnsayable, expression.count > 1 {
      // A piece without a location: it was optimised away.
      chunk.relocations.removeLast(chunk.relocations.count - relocations)
      let start = expression.offset - chunkStart
      chunk.put(Code.piece, at: start)
      chunk.put(8, at: start + 1)
      for place in start + 2..<start + expression.count { chunk.put(Code.nop, at: place) }
    }
  }

  private mutating func walk(
    _ expression: ByteReader, depth: Int = 0, _ code: inout CodeCursor, _ chunk: inout SectionChunk,
    _ uses: inout [AddressUse]
  ) throws(FormatError) {
    guard depth <= ExpressionWalker.mostDepth else {
      throw FormatError("expressions are too deep in each other", at: expression.offset)
    }
    var reader = expression
    var global: Global?
    while !reader.isAtEnd {
      let at = reader.offset
      let operation = try reader.byte()
      switch operation {
      case Code.address:
        let value = try reader.fixed(context.header.addressSize)
        if let global, let base = base(of: global), isThreadLocal(base), reader.peek() == Code.plus {
          writeThreadLocalBase(global, of: base, &chunk)
          addThreadLocal(value, behind: base, at: at + 1, &chunk)
        } else if let global, let base = base(of: global), reader.peek() == Code.plus {
          let whole = reader
          try reader.skip(1)
          moveToFront(whole[at..<whole.offset], over: global.range.lowerBound..<reader.offset, &chunk)
          if !isDropped(value) {
            add(
              file.relocation(
                of: SymbolicValue(base: base.base, addend: base.addend &+ Int64(clamping: value)),
                at: global.range.lowerBound + 1 - chunkStart, width: context.header.addressSize), &chunk)
          }
        } else if let global {
          // What is added to a variable stays what it is.
          try write(global, &chunk)
        } else if Code.findsThreadLocal(reader.peek()) {
          if let base = threadLocalBase { addThreadLocal(value, behind: base, at: at + 1, &chunk) }
        } else {
          add(address(value, &code, at: at + 1 - chunkStart), &chunk)
        }
        global = nil
      case Code.addressIndex, Code.gnuAddressIndex:
        guard let address = try context.address(try reader.u64(), &code, at: at) else { break }
        var use = AddressUse(
          offset: address.offset, width: context.header.addressSize, meaning: isFunction ? .code : .data)
        if let global, let base = base(of: global), isThreadLocal(base), base.addend == 0, reader.peek() == Code.plus {
          writeThreadLocalBase(global, of: base, &chunk)
          use.meaning = .threadLocal
          uses.append(use)
        } else if let global, let base = base(of: global), base.addend == 0,
          base.base == file.unit.lifted?.memoryBlock?.base, reader.peek() == Code.plus
        {
          let whole = reader
          try reader.skip(1)
          moveToFront(whole[at..<whole.offset], over: global.range.lowerBound..<reader.offset, &chunk)
          uses.append(use)
        } else if let global {
          try write(global, &chunk)
        } else {
          if Code.findsThreadLocal(reader.peek()) { use.meaning = .threadLocal }
          uses.append(use)
        }
        global = nil
      case Code.location:
        if let before = global { try write(before, &chunk) }
        global = nil
        let kind = try reader.byte()
        let index = kind == 3 ? UInt64(try reader.fixed32()) : try reader.u64()
        if let losing,
          kind == 0 && file.lost.loses(local: index, extent, in: losing)
            || kind == 2 && file.lost.movesStack(extent, in: losing)
        {
          isLost = true
        }
        if kind == 1 || kind == 3 { global = Global(range: at..<reader.offset, isFixed: kind == 3, index: index) }
      case 0xA3, 0xF3:
        let inner = try reader.slice(Int(clamping: try reader.u64()))
        // What was there when the function was called is not lost.
        let wasLost = isLost
        try walk(inner, depth: depth + 1, &code, &chunk, &uses)
        isLost = wasLost
      case 0x9A, 0xA0, 0xF2:
        let place = reader.offset - chunkStart
        let value = try reader.fixed(context.header.offsetSize)
        add(try file.relocation(of: value, into: .info, at: place, of: reader), &chunk)
        if operation != 0x9A { try reader.skipNumber() }
      default:
        if let before = global { try write(before, &chunk) }
        global = nil
        var operands = reader
        try skipOperands(of: operation, &reader)
        if let base = threadLocalBase, Code.findsThreadLocal(reader.peek()) {
          switch operation {
          case 0x0C, 0x0D: addThreadLocal(try operands.fixed(4), behind: base, at: at + 1, width: 4, &chunk)
          case 0x0E, 0x0F: addThreadLocal(try operands.fixed(8), behind: base, at: at + 1, width: 8, &chunk)
          case Code.constantIndex, Code.gnuConstantIndex:
            guard let address = try context.address(try operands.u64(), &code, at: at) else { break }
            uses.append(
              AddressUse(offset: address.offset, width: context.header.addressSize, meaning: .threadLocal))
          default: isUnsayable = true
          }
        }
      }
    }
    if let global { try write(global, &chunk) }
  }

  private func add(_ relocation: Relocation?, _ chunk: inout SectionChunk) { chunk.add(relocation) }

  /// The relocation of an address: of code, or of data.
  private func address(_ value: UInt64, _ code: inout CodeCursor, at place: Int) -> Relocation? {
    let width = context.header.addressSize
    guard isFunction else { return isDropped(value) ? nil : file.relocation(ofData: value, at: place, width: width) }
    guard let content = file.contents.first else { return nil }
    guard let target = code.place(in: content, at: place, value) else { return nil }
    return code.relocation(of: target, at: place, width: width)
  }

  private func isDropped(_ value: UInt64) -> Bool { DebugFile.isDropped(value) }

  /// The address that a variable holds in the result; `nil` for true variables.
  private func base(of global: Global) -> SymbolicValue? {
    guard let value = value(of: global), case .memory = value.base else { return nil }
    return value
  }

  /// What a variable that the result does not have holds; `nil` for true variables.
  private func value(of global: Global) -> SymbolicValue? {
    let unit = file.unit
    guard let facts = unit.lifted, let number = Int(exactly: global.index), number < facts.globals.count else {
      return nil
    }
    if let value = facts.globals[number] { return value }
    let index = GlobalIndex(number)
    guard let value = facts.assignedGlobals[index], !unit.codeFacts.variables.contains(index),
      !file.program.values[Int(unit.symbolIDs[facts.symbol(index)])].isPresent
    else { return nil }
    return value
  }

  // MARK: Thread-local data of a library that becomes an object

  /// Where that begins.
  private var threadLocalBase: SymbolicValue? {
    file.threadLocalBlock.map { SymbolicValue(base: .memory(symbol: $0), addend: 0) }
  }

  private func isThreadLocal(_ value: SymbolicValue) -> Bool { value.base == threadLocalBase?.base }

  /// Names the variable that all thread-local data of the result counts from.
  private mutating func writeThreadLocalBase(_ global: Global, of base: SymbolicValue, _ chunk: inout SectionChunk) {
    guard global.isFixed, case .memory(let symbol) = base.base else {
      isUnsayable = true
      return
    }
    chunk.add(
      Relocation(
        .globalIndexI32, at: UInt32(global.range.lowerBound + 2 - chunkStart), width: 4, target: symbol.rawValue))
  }

  /// - Parameter place: of the number in the section.
  private mutating func addThreadLocal(
    _ value: UInt64, behind base: SymbolicValue, at place: Int, width: Int? = nil, _ chunk: inout SectionChunk
  ) {
    if isDropped(value) { return }
    let relocation = file.relocation(
      of: SymbolicValue(base: base.base, addend: base.addend &+ Int64(clamping: value)), at: place - chunkStart,
      width: width ?? context.header.addressSize)
    if relocation == nil { isUnsayable = true }
    chunk.add(relocation)
  }

  private func moveToFront(_ operation: ByteReader, over range: Range<Int>, _ chunk: inout SectionChunk) {
    var place = range.lowerBound - chunkStart
    for byte in operation {
      chunk.put(byte, at: place)
      place += 1
    }
    while place < range.upperBound - chunkStart {
      chunk.put(Code.nop, at: place)
      place += 1
    }
  }

  /// Names a variable as the result knows it, or its value if it is a constant there.
  private mutating func write(_ global: Global, _ chunk: inout SectionChunk) throws(FormatError) {
    if global.isFixed, let lastGlobal, lastGlobal.index == global.index {
      return chunk.put(UInt64(lastGlobal.number), width: 4, at: global.range.lowerBound - chunkStart + 2)
    }
    let unit = file.unit
    guard let facts = unit.lifted, global.index < UInt64(unit.globalImports.count + unit.globals.count) else { return }
    let index = GlobalIndex(Int(global.index))
    let place = global.range.lowerBound - chunkStart
    if let value = value(of: global) {
      let isNumber = value.base == .number
      let relocation = isThreadLocal(value) ? nil : file.relocation(of: value, at: place + 1, width: 4)
      guard isNumber || relocation != nil else {
        isUnsayable = true
        return
      }
      guard global.isFixed else { throw FormatError("there is no room for a constant", at: global.range.lowerBound) }
      chunk.put(Code.constant4, at: place)
      chunk.put(Code.nop, at: place + 5)
      chunk.put(isNumber ? UInt64(bitPattern: value.addend) : 0, width: 4, at: place + 1)
      chunk.add(relocation)
      return
    }
    let symbol = facts.symbol(index)
    let answer = file.program.values[Int(unit.symbolIDs[symbol])].answer
    guard case .global(let number) = answer else {
      if global.isFixed { chunk.put(UInt64(UInt32.max), width: 4, at: place + 2) }
      return
    }
    if global.isFixed, file.keepsRelocations {
      chunk.relocations.append(
        Relocation(.globalIndexI32, at: UInt32(place + 2), width: 4, target: symbol.rawValue))
    } else if file.program.options.contract.isObject {
      // The next link has another index.
      isUnsayable = true
    } else if global.isFixed {
      chunk.put(UInt64(number.rawValue), width: 4, at: place + 2)
      lastGlobal = (global.index, number.rawValue)
    } else if !chunk.put(number: UInt64(number.rawValue), width: global.range.count - 2, at: place + 2) {
      throw FormatError("there is no room for the index of a global", at: global.range.lowerBound)
    }
  }

  private func skipOperands(of code: UInt8, _ reader: inout ByteReader) throws(FormatError) {
    switch code {
    case 0x06, 0x12...0x14, 0x16...0x22, 0x24...0x27, 0x29...0x2E, 0x30...0x6F, 0x96, 0x97, 0x9B, 0x9C, 0x9F, 0xE0,
      0xF0:
      break
    case 0x08, 0x09, 0x15, 0x94, 0x95: try reader.skip(1)
    case 0x0A, 0x0B, 0x28, 0x2F, 0x98: try reader.skip(2)
    case 0x0C, 0x0D, 0x99, 0xFA: try reader.skip(4)
    case 0x0E, 0x0F: try reader.skip(8)
    case 0x10, 0x11, 0x23, 0x70...0x91, 0x93, 0xA2, 0xA8, 0xA9, 0xF7, 0xF9, 0xFC: try reader.skipNumber()
    case 0x92, 0x9D, 0xA5, 0xF5:
      try reader.skipNumber()
      try reader.skipNumber()
    case 0x9E: try reader.skip(Int(clamping: try reader.u64()))
    case 0xA4, 0xF4:
      try reader.skipNumber()
      try reader.skip(Int(try reader.byte()))
    case 0xA6, 0xA7, 0xF6:
      try reader.skip(1)
      try reader.skipNumber()
    default: throw FormatError("unknown operation \(code) of an expression", at: reader.offset - 1)
    }
  }
}

extension DebugFile {
  /// The function of a place, if it lost any place that variables may have been in.
  @inline(__always)
  func losing(at place: CodePlace) -> Int? {
    let function = place.function - firstFunction
    return function >= 0 && lost.isAny(in: function) ? function : nil
  }

  /// Whether an expression of a finished module names a local that is not lost and says nothing else, as most do, so that
  /// it stays as it is: the short way beside ``ExpressionWalker``.
  @inline(__always)
  func isPlain(_ expression: ByteReader, from place: CodePlace?) -> Bool {
    guard let local = onlyLocal(of: expression) else { return false }
    guard let place, let losing = losing(local, at: place) else { return true }
    return !lost.loses(local: local, .from(place.offset), in: losing)
  }

  /// The local that an expression names, if it says nothing else.
  @inline(__always)
  func onlyLocal(of expression: ByteReader) -> UInt64? {
    // `DW_OP_WASM_location` with a local of one byte, and mostly `DW_OP_stack_value` behind it.
    let start = expression.offset
    if expression.count == 4 {
      guard let word = expression.fixed32(at: start), word & 0xFF80_FFFF == 0x9F00_00ED else { return nil }
      return UInt64(word >> 16 & 0x7F)
    }
    guard expression.count == 3, expression[start] == 0xED, expression[start + 1] == 0, expression[start + 2] < 0x80
    else { return nil }
    return UInt64(expression[start + 2])
  }

  /// The function of a place, if it may have lost what a local had.
  @inline(__always)
  func losing(_ local: UInt64, at place: CodePlace) -> Int? {
    let function = place.function - firstFunction
    return function >= 0 && lost.mayLose(local: local, in: function) ? function : nil
  }
}
