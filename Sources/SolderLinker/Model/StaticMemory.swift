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
  /// Other globals that begin as the number of ``heapBase``, or as what rounding up makes of it: a module's own allocator may
  /// have its first address there.
  private(set) var heapPointers: [GlobalIndex] = []
  /// Where the heap ends at first.
  private(set) var heapEnd: Mark?
  /// Where static data begins.
  private(set) var dataStart: Mark?
  /// Where the stack of a module with a collector ends.
  private(set) var dataEnd: Mark?
  private(set) var stackPointer: Mark?
  /// Whether a collector walks the stack up to the heap base, so that what is between them stays as it is.
  private(set) var isCollected = false

  /// What rounding up adds to an address in code.
  static let roundings: Set<UInt64> = [0, 3, 7, 8, 15]

  init() {}

  init(of unit: ModuleDraft) {
    let finder = MarkFinder(unit)
    stackPointer = finder.mark("__stack_pointer", isMutable: true)
    dataStart = finder.mark("__global_base", isMutable: false)
    heapEnd = finder.mark("__heap_end", isMutable: false)
    heapBase = finder.mark("__heap_base", isMutable: false)
    if heapBase == nil, let base = finder.mark("__heap_base", isMutable: false, prefixed: true) {
      heapBase = base
      if let stack = finder.mark("__stack_pointer", isMutable: true, prefixed: true) {
        stackPointer = stack
        dataEnd = finder.mark("__data_end", isMutable: false, prefixed: true)
        isCollected = true
      }
    }
    guard let heapBase, !isCollected else { return }
    heapPointers = finder.globals(besides: heapBase.global) {
      StaticMemory.roundings.contains($0 &- heapBase.address)
    }.filter { $0 != stackPointer?.global }
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
    let global = unit.globals[index]
    guard global.type.isMutable == isMutable,
      let address = evaluator.value(of: global.initializer).flatMap({ number($0, global.type) })
    else { return nil }
    return StaticMemory.Mark(global: GlobalIndex(imported + index), address: address)
  }

  /// The globals that the module defines whose initial numbers are such, by way of other globals or not.
  ///
  /// - Parameter decided: the global that the layout decides, and so what begins as that.
  func globals(besides decided: GlobalIndex, where isWanted: (UInt64) -> Bool) -> [GlobalIndex] {
    let imported = unit.globalImports.count
    var known = SymbolicEvaluator(unit.file, globals: Array(repeating: nil, count: imported + unit.globals.count))
    var found: [GlobalIndex] = []
    for (index, global) in unit.globals.enumerated() where imported + index != Int(decided) {
      guard let value = known.value(of: global.initializer) else { continue }
      if !global.type.isMutable { known.globals[imported + index] = value }
      if let number = number(value, global.type), isWanted(number) { found.append(GlobalIndex(imported + index)) }
    }
    return found
  }

  /// The number that a value of an address's type is.
  private func number(_ value: SymbolicValue, _ type: GlobalType) -> UInt64? {
    guard type.valueType == 0x7F || type.valueType == 0x7E, value.base == .number else { return nil }
    return UInt64(bitPattern: value.addend) & (type.valueType == 0x7F ? 0xFFFF_FFFF : .max)
  }
}
