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
  /// Other globals that begin as a number from ``heapBase`` on: a module's own allocator may have its first address there.
  private(set) var heapPointers: [Mark] = []
  /// Globals whose initial values are made of ``heapBase``, and what they are in the file.
  private(set) var fromHeapBase: [Mark] = []
  /// The end of static data, of an LLVM program that shows it: less than sixteen bytes below the heap base, unless a stack
  /// lies between.
  private(set) var shownDataEnd: Mark?
  /// Where the heap ends at first.
  private(set) var heapEnd: Mark?
  /// Where static data begins.
  private(set) var dataStart: Mark?
  /// Where the stack of a module with a collector ends.
  private(set) var dataEnd: Mark?
  private(set) var stackPointer: Mark?
  /// Where no global has that name, variables that begin as an address that a stack may begin at.
  private(set) var unnamedStacks: [Mark] = []
  /// Whether a collector walks the stack up to the heap base, so that what is between them stays as it is.
  private(set) var isCollected = false

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
    if stackPointer == nil { unnamedStacks = finder.possibleStacks }
    guard let heapBase, !isCollected else { return }
    shownDataEnd = finder.mark("__data_end", isMutable: false)
    (heapPointers, fromHeapBase) = finder.pointers(from: heapBase)
    heapPointers.removeAll { [stackPointer?.global, heapEnd?.global].contains($0.global) }
  }

  /// Whether the layout decides what a global holds.
  func isDecidedByLayout(_ global: Int) -> Bool {
    [heapBase, heapEnd, dataEnd].contains { $0.map { Int($0.global) } == global }
  }

  /// Whether the stack is one that everybody shares.
  var sharesStack: Bool { stackPointer != nil && !isCollected }
}

/// Finds globals by their names, and by what they begin as.
private struct MarkFinder {
  private let unit: ModuleDraft
  /// Knows what immutable globals hold as the file has it.
  private var evaluator: SymbolicEvaluator

  init(_ unit: ModuleDraft) {
    self.unit = unit
    evaluator = SymbolicEvaluator(
      unit.file, globals: Array(repeating: nil, count: unit.globalImports.count + unit.globals.count))
    for (index, global) in unit.globals.enumerated() where !global.type.isMutable && isAddress(global.type) {
      evaluator.globals[unit.globalImports.count + index] = evaluator.value(of: global.initializer)
    }
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

  /// The globals that begin as numbers from the heap base on, and those whose initial values are made of its global.
  func pointers(from heapBase: StaticMemory.Mark) -> (numbers: [StaticMemory.Mark], derived: [StaticMemory.Mark]) {
    let imported = unit.globalImports.count
    var known = SymbolicEvaluator(unit.file, globals: Array(repeating: nil, count: imported + unit.globals.count))
    var (numbers, derived): ([StaticMemory.Mark], [StaticMemory.Mark]) = ([], [])
    for (index, global) in unit.globals.enumerated() where imported + index != Int(heapBase.global) {
      let value = isAddress(global.type) ? known.value(of: global.initializer) : nil
      if !global.type.isMutable { known.globals[imported + index] = value }
      guard let address = evaluator.value(of: global.initializer).flatMap({ number($0, global.type) }) else { continue }
      let mark = StaticMemory.Mark(global: GlobalIndex(imported + index), address: address)
      if value == nil {
        derived.append(mark)
      } else if address >= heapBase.address {
        numbers.append(mark)
      }
    }
    return (numbers, derived)
  }

  /// The variables that nobody outside sees and that begin as an aligned address in the memory.
  var possibleStacks: [StaticMemory.Mark] {
    guard let limits = unit.memoryImports.first?.limits ?? unit.memories.first?.limits else { return [] }
    let imported = unit.globalImports.count
    let exported = Set(unit.exports.compactMap(\.global))
    return unit.globals.enumerated().compactMap { index, global in
      let own = GlobalIndex(imported + index)
      guard global.type.isMutable, isAddress(global.type), !exported.contains(own),
        let address = evaluator.value(of: global.initializer).flatMap({ number($0, global.type) }), address > 0,
        address % 16 == 0, address <= limits.minimum.saturatingProduct(limits.pageSize)
      else { return nil }
      return StaticMemory.Mark(global: own, address: address)
    }
  }

  private func isAddress(_ type: GlobalType) -> Bool { type.valueType == 0x7F || type.valueType == 0x7E }

  /// The number that a value of an address's type is.
  private func number(_ value: SymbolicValue, _ type: GlobalType) -> UInt64? {
    guard isAddress(type), value.base == .number else { return nil }
    return UInt64(bitPattern: value.addend) & (type.valueType == 0x7F ? 0xFFFF_FFFF : .max)
  }
}
