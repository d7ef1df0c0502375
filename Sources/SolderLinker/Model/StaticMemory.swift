import WebAssemblyFormat

// What a plain module says of its memory.
//
// A finished module has its data at fixed addresses, and beyond them a stack and a heap that nothing in the file shows.
// Conventions do, by names of globals, exported or in the name section:
//
//  - `__heap_base`, immutable: where static memory ends and the heap begins (LLVM's name; other compilers took it over).
//  - `__heap_end`, immutable: where the heap ends at first (LLVM's name).
//  - `__global_base`, immutable: where static data begins (LLVM's name). The first data segment does not say that: data that
//    is zero has none.
//  - `__stack_pointer`, mutable: where the stack begins, downwards. The libraries share that stack.
//  - `~lib/memory/__heap_base`, `…/__data_end`, `…/__stack_pointer`: AssemblyScript's. The stack lies between data end and
//    heap base, its collector looks for references from the stack pointer up to the heap base, and so nothing else may lie
//    there; nor is that stack one for C.
struct StaticMemory {
  /// A global, of the index space, and the address that it holds.
  struct Mark {
    let global: GlobalIndex
    let address: UInt64
  }

  private(set) var heapBase: Mark?
  /// Where the heap ends at first.
  private(set) var heapEnd: Mark?
  /// Where static data begins.
  private(set) var dataStart: Mark?
  /// Where the stack of a module with a collector ends.
  private(set) var dataEnd: Mark?
  private(set) var stackPointer: Mark?
  /// Whether a collector walks the stack up to the heap base, so that what is between them stays as it is.
  private(set) var isCollected = false

  init() {}

  init(of unit: ModuleDraft) {
    let finder = MarkFinder(unit)
    stackPointer = finder.mark("__stack_pointer", isMutable: true)
    dataStart = finder.mark("__global_base", isMutable: false)
    heapEnd = finder.mark("__heap_end", isMutable: false)
    heapBase = finder.mark("__heap_base", isMutable: false)
    guard heapBase == nil, let base = finder.mark("__heap_base", isMutable: false, prefixed: true) else { return }
    heapBase = base
    guard let stack = finder.mark("__stack_pointer", isMutable: true, prefixed: true) else { return }
    stackPointer = stack
    dataEnd = finder.mark("__data_end", isMutable: false, prefixed: true)
    isCollected = true
  }

  /// Whether the layout decides what a global holds.
  func isDecidedByLayout(_ global: Int) -> Bool {
    [heapBase, heapEnd, dataEnd].contains { $0.map { Int($0.global) } == global }
  }

  /// Whether the stack is one that everybody shares.
  var sharesStack: Bool { stackPointer != nil && !isCollected }
}

/// Finds globals by their names.
private struct MarkFinder {
  private let unit: ModuleDraft
  private let evaluator: SymbolicEvaluator

  init(_ unit: ModuleDraft) {
    self.unit = unit
    evaluator = SymbolicEvaluator(unit.file, globals: [])
  }

  /// A global that the module defines and exports under this name, or else only calls so.
  ///
  /// - Parameter prefixed: whether the name stands behind a slash, as AssemblyScript's compiler has it.
  func mark(_ name: StaticString, isMutable: Bool, prefixed: Bool = false) -> StaticMemory.Mark? {
    func matches(_ other: ByteString) -> Bool {
      guard prefixed else { return other == name }
      let (bytes, wanted) = (other.bytes, ByteString(name).bytes)
      return bytes.count > wanted.count && bytes[bytes.count - wanted.count - 1] == UInt8(ascii: "/")
        && bytes.suffix(wanted.count).elementsEqual(wanted)
    }
    let imported = unit.globalImports.count
    let exported = unit.exports.first { $0.global.map { Int($0) >= imported } ?? false && matches($0.name) }
    guard
      let index = exported?.global.map({ Int($0) - imported }) ?? unit.globals.firstIndex(where: { matches($0.name) })
    else { return nil }
    let type = unit.globals[index].type
    guard type.isMutable == isMutable, type.valueType == 0x7F || type.valueType == 0x7E,
      let value = evaluator.value(of: unit.globals[index].initializer), value.base == .number
    else { return nil }
    let address = UInt64(bitPattern: value.addend) & (type.valueType == 0x7F ? 0xFFFF_FFFF : .max)
    return StaticMemory.Mark(global: GlobalIndex(imported + index), address: address)
  }
}
