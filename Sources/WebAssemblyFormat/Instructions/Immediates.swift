/// What follows an opcode (WebAssembly 3.0, Binary Format, Instructions).
@frozen @usableFromInline
enum Immediates: UInt8 {
  /// No instruction has this opcode.
  case unknown
  case none

  // Structured control.
  case block, loop, `if`, `else`, `try`, tryTable, `catch`, catchAll, delegate, end

  // One number that names nothing outside the function.
  case label, local, i32, i64

  // One index.
  case function, type, table, global, tag, memory, data, element

  // Several numbers, in the order of the encoding.
  case labels
  case typeTable, tableTable, elementTable
  case memoryMemory, dataMemory
  case typeField, typeCount, typeType, typeData, typeElement, typeTag
  case memoryArgument, memoryArgumentLane

  // Types in the code.
  case heapType, selectTypes, castBranch

  // A memory order, and what is accessed.
  case orderGlobal, orderTable, orderType, orderTypeField

  // Continuations: a list of handlers at the end.
  case typeHandlers, typeTagHandlers

  // Fixed widths: a memory order or lane, a float, a double, a vector or sixteen lanes.
  case byte, bytes4, bytes8, bytes16
}

/// Instructions with neighbouring opcodes and the same immediates: one row of the table of instructions.
struct InstructionRun: Sendable {
  /// ``Opcode/rawValue`` of the first one.
  let first: UInt16
  let immediates: Immediates
  let mnemonics: [StaticString]

  init(_ first: UInt16, _ immediates: Immediates, _ mnemonics: [StaticString]) {
    self.first = first
    self.immediates = immediates
    self.mnemonics = mnemonics
  }

  /// All instructions of WebAssembly 3.0, and of the threads, shared-everything threads, stack switching, wide
  /// arithmetic, half precision, memory control, custom descriptors and legacy exception handling proposals.
  static let all: [InstructionRun] = plain + garbageCollection + bulkAndWide + threads + vectors
}
