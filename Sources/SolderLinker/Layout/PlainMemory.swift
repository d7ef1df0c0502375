import WebAssemblyFormat

// What the plain modules that use the main memory have there, and where there is room beside it.
//
// A plain module's own data, stack and heap keep their places, so what the linker places needs room that the module
// does not use. There are three kinds of modules:
//
//  - Most say where their static memory ends, and begin their heap where that global says: the linker places everything
//    there, and the global gets an address behind it.
//  - With a collector that walks the stack up to the heap base (AssemblyScript), stack and heap move up together, and
//    the linker places everything where the stack ended.
//  - An LLVM program has `__heap_base` in its code as a number, with something added perhaps, which the exported global has no
//    influence on; others have it in a variable, where their allocator goes on from. Only what lies below its data is free (and
//    above its stack, where that lies first): `--global-base` makes room there, and exported globals say where it is. What a
//    number means, nobody can tell: every one that leads to where something would be placed is taken for the heap's.
//
// What a module makes of its own `__heap_base` moves with it, but not a stack that begins there, and what lies below does not.
//
// Whatever contradicts itself is refused: data, or a stack pointer, beyond the address where static memory is said to end.
// So is a second heap: both would begin behind what is placed.
struct PlainMemory {
  /// Where the linker may place what it has.
  enum Room {
    /// From here on; the heap follows.
    case above(UInt64)
    /// From here on; the stack pointer and the heap base move by as much as is placed.
    case beforeStack(UInt64)
  }

  /// A module that has an address of its heap as a number, in its code or in what it begins with.
  struct LLVMProgram {
    enum Place {
      case code
      case data
      case global(GlobalIndex)
    }

    let unit: Unit
    let heapBase: UInt64
    /// The number: ``heapBase``, or one from there on.
    let number: UInt64
    let place: Place
  }

  private let units: [Unit]
  private let data: [FixedData]
  /// The unit whose memory it is.
  private let owner: UnitID?
  private let options: LinkOptions
  let diagnostics: Diagnostics

  /// - Returns: `nil` when no plain module uses the main memory.
  init?(_ resolution: Resolution, _ data: [FixedData], _ options: LinkOptions, _ diagnostics: Diagnostics) {
    guard let main = resolution.memories.main else { return nil }
    var units: [Unit] = []
    for user in resolution.memories.memories[Int(main)].users {
      let unit = resolution.units[user.unit]
      if unit.contracts.keepsMemory, !units.contains(where: { $0 === unit }) { units.append(unit) }
    }
    guard !units.isEmpty else { return nil }
    self.units = units
    self.data = data.filter { $0.memory == main && $0.unit.contracts.keepsMemory }
    owner = resolution.memories.memories[Int(main)].definition?.unit
    self.options = options
    self.diagnostics = diagnostics
  }

  /// One past the last byte of the modules' data, which is address 0 if they have none.
  private var dataEnd: UInt64 { data.reduce(0) { max($0, $1.end) } }

  /// Where static memory ends, as far as somebody says so.
  private var statedEnd: UInt64? {
    options.heapBase ?? units.compactMap { $0.lifted?.memory.heapBase?.address }.max()
  }

  /// Where the heap begins as long as nothing is placed; where that is for the linker to say, it is aligned as in a program,
  /// and behind a stack that lies above the data.
  var heapBase: UInt64 {
    if let statedEnd { return statedEnd }
    guard units.contains(where: PlainMemory.importsHeapBase) else { return dataEnd }
    return units.compactMap(stack).reduce(dataEnd, max).aligned(to: MemoryPass.heapAlignment)
  }

  /// Where a module's stack begins: by name, or, where names were removed, as the variable that its code goes down from.
  private func stack(of unit: Unit) -> UInt64? {
    guard let memory = unit.lifted?.memory else { return nil }
    if let stack = memory.stackPointer { return stack.address }
    let reads = unit.reads(of: memory.unnamedStacks.map(\.global))
    return memory.unnamedStacks.first { reads[$0.global] == true }?.address
  }

  /// A module that says nothing of where its static memory ends, though it has something there.
  private var silentUnit: Unit? {
    let silent = units.filter { $0.lifted?.memory.heapBase == nil && !PlainMemory.importsHeapBase($0) }
    return silent.first { unit in
      unit.index == owner || stack(of: unit) != nil || data.contains { $0.unit === unit && $0.start < $0.end }
    }
  }

  /// Where there is room; errors are in the diagnostics.
  func room(_ threads: Threads) -> Room {
    if let unit = units.first(where: { $0.lifted?.memory.isCollected == true }) {
      checkNumbers(of: unit, threads)
      return roomBeforeStack(of: unit)
    }
    guard let end = statedEnd else {
      if let unit = silentUnit ?? (units.contains(where: PlainMemory.importsHeapBase) ? nil : units[0]) {
        diagnostics.error(
          "\(unit.file.displayName): does not say where its static memory ends, but data or a stack has to be placed "
            + "there (define an immutable global named __heap_base, or pass --heap-base=ADDRESS)" + heapBaseHint,
          .memory,
          symbol: "__heap_base", in: unit.file.displayName)
      }
      return .above(heapBase)
    }
    checkPlaces("data or a stack has to be placed")
    return .above(end)
  }

  /// A module because of which nothing can be placed behind its static memory, up to `end`; if there is none, other things that
  /// are wrong with that are in the diagnostics.
  func programWithout(roomUpTo end: UInt64, _ threads: Threads) -> LLVMProgram? {
    guard options.heapBase == nil else { return nil }
    let programs = units.compactMap { LLVMProgram($0, roomUpTo: end, threads) }
    checkDataInHeaps(programs.map { ($0.unit, $0.heapBase) })
    if programs.isEmpty {
      checkHeaps()
      for unit in units { checkBelowHeap(of: unit) }
    }
    return programs.first
  }

  /// Reports what contradicts itself, where others than one module have to do with its memory: objects and libraries, which
  /// may use its stack and its heap, or a second module, whose data may be where the heap of the first is.
  ///
  /// - Parameter hasOthers: whether there are objects or libraries.
  func check(hasOthers: Bool) {
    guard hasOthers || units.count > 1, !units.contains(where: { $0.lifted?.memory.isCollected == true }) else {
      return
    }
    checkPlaces("the heap begins")
    checkDataInHeaps(units.compactMap { unit in unit.lifted?.memory.heapBase.map { (unit, $0.address) } })
  }

  /// - Parameter purpose: what the end of static memory is for.
  private func checkPlaces(_ purpose: String) {
    if let end = statedEnd { checkData(against: end, purpose) }
    if let end = options.heapBase { checkOption(end) }
    for unit in units { checkStack(of: unit, against: statedEnd ?? .max, purpose) }
  }

  /// Heaps that stay where they are must not have another module's data in them.
  private func checkDataInHeaps(_ heaps: [(unit: Unit, start: UInt64)]) {
    guard options.heapBase == nil, units.count > 1 else { return }
    for heap in heaps {
      guard let other = data.first(where: { $0.unit !== heap.unit && $0.start < $0.end && $0.end > heap.start }) else {
        continue
      }
      diagnostics.error(
        "\(other.unit.file.displayName): \(other.text) lies where the heap of \(heap.unit.file.displayName) is, which begins "
          + "at its __heap_base, \(heap.start) (build one of the two for other addresses)", .memory,
        symbol: "__heap_base",
        in: other.unit.file.displayName, heap.unit.file.displayName)
      return
    }
  }

  /// What is addressed as so many bytes below the heap base is where something was placed when that moves.
  private func checkBelowHeap(of unit: Unit) {
    guard let facts = unit.lifted, let heapBase = facts.memory.heapBase, !facts.memory.isCollected else { return }
    let what: String
    if unit.hasDataBelowHeapBase {
      what = "a data segment begins"
    } else if unit.reads(of: [heapBase.global])[heapBase.global] == true {
      what = "its code goes"
    } else {
      return
    }
    diagnostics.error(
      "\(unit.file.displayName): \(what) a number of bytes below its __heap_base, where data or a stack has to be placed "
        + "(write the address as a number, or define a global with that number)", .memory, symbol: "__heap_base",
      in: unit.file.displayName)
  }

  /// Heaps that begin at different addresses would begin at one address when they move.
  private func checkHeaps() {
    let heaps = units.filter(\.readsHeapBase)
    guard let first = heaps.first, let address = first.lifted?.memory.heapBase?.address else { return }
    for other in heaps {
      guard let second = other.lifted?.memory.heapBase?.address, second != address else { continue }
      diagnostics.error(
        "\(first.file.displayName): its heap begins at \(address), and that of \(other.file.displayName) at \(second) in the "
          + "same memory: behind the data or stack that has to be placed, both would begin at one address (let one of the "
          + "two allocate by calling the other)", .memory, symbol: "__heap_base", in: first.file.displayName,
        other.file.displayName)
    }
  }

  /// What is wrong with a global that is called so, if there is one.
  private var heapBaseHint: String {
    for unit in units {
      for export in unit.exports where export.name == "__heap_base" {
        guard let index = export.item.global, let type = unit.module.globalType(index) else { continue }
        let file = unit.file.displayName
        if type.isMutable {
          return
            "\n>>> \(file) exports a __heap_base that is mutable: what it will be when the heap begins, nobody knows"
        }
        return "\n>>> \(file) exports a __heap_base whose value is not a number that is known now"
      }
    }
    return ""
  }

  private static func importsHeapBase(_ unit: Unit) -> Bool {
    unit.globalImports.contains { $0.module == "env" && $0.name == "__heap_base" }
  }

  /// Who said where static memory ends, for messages.
  private func statement(_ end: UInt64) -> String {
    if options.heapBase != nil { return "--heap-base=\(end)" }
    let unit = units.first { $0.lifted?.memory.heapBase?.address == end }
    return "the __heap_base of \(unit?.file.displayName ?? "<internal>"), which is \(end)"
  }

  private func checkData(against end: UInt64, _ purpose: String) {
    guard let beyond = data.first(where: { $0.end > end && $0.start < $0.end }) else { return }
    diagnostics.error(
      "\(beyond.unit.file.displayName): \(beyond.text) lies beyond \(statement(end)), where \(purpose) "
        + "(static memory ends at \(dataEnd) at the earliest: let __heap_base say so, or pass "
        + "--heap-base=ADDRESS)", .memory, symbol: "__heap_base", in: beyond.unit.file.displayName)
  }

  /// What a module itself says of the end of its static memory is no less true where an option says something.
  private func checkOption(_ end: UInt64) {
    for unit in units {
      guard let heapBase = unit.lifted?.memory.heapBase?.address, heapBase > end else { continue }
      return diagnostics.error(
        "\(unit.file.displayName): has its static memory up to its __heap_base, \(heapBase), which is beyond "
          + "--heap-base=\(end) (pass that address or a greater one, or none)", .memory, symbol: "__heap_base",
        in: unit.file.displayName)
    }
  }

  private func checkStack(of unit: Unit, against end: UInt64, _ purpose: String) {
    guard let stack = unit.lifted?.memory.stackPointer?.address else { return }
    if stack > end {
      diagnostics.error(
        "\(unit.file.displayName): its stack begins at \(stack), beyond \(statement(end)), where \(purpose) "
          + "(let __heap_base be above the stack, or pass --heap-base=ADDRESS)", .memory,
        symbol: "__stack_pointer", in: unit.file.displayName)
    } else if let inside = data.first(where: { $0.unit === unit && $0.start < stack && stack < $0.end }) {
      diagnostics.error(
        "\(unit.file.displayName): its stack begins at \(stack), inside of \(inside.text), which it would overwrite "
          + "(let the initial value of __stack_pointer be outside of the module's data)", .memory,
        symbol: "__stack_pointer", in: unit.file.displayName)
    }
  }

  private func roomBeforeStack(of unit: Unit) -> Room {
    let memory = unit.lifted?.memory
    let start = memory?.dataEnd?.address ?? dataEnd
    let (stack, heap) = (memory?.stackPointer?.address ?? start, memory?.heapBase?.address ?? start)
    if units.count > 1 {
      diagnostics.error(
        "\(unit.file.displayName): has a collector that walks its memory, which other modules use too; "
          + "data or a stack cannot be placed there (\(units.filter { $0 !== unit }[0].file.displayName))", .memory,
        in: unit.file.displayName, units.filter { $0 !== unit }[0].file.displayName)
    }
    if let beyond = data.first(where: { $0.end > start && $0.start < $0.end }) {
      diagnostics.error(
        "\(beyond.unit.file.displayName): \(beyond.text) lies beyond the end of the data of \(unit.file.displayName), which "
          + "__data_end says is \(start); its stack and heap follow there (let __data_end and __heap_base be behind all data)",
        .memory, symbol: "__data_end", in: beyond.unit.file.displayName)
    } else if stack < start || heap < stack {
      diagnostics.error(
        "\(unit.file.displayName): its stack begins at \(stack), which is not between the end of its data, \(start), "
          + "and its __heap_base, \(heap)", .memory, symbol: "__stack_pointer", in: unit.file.displayName)
    }
    // The option may ask for more room below the heap, never for less.
    return .beforeStack(start + ((options.heapBase ?? heap) > heap ? (options.heapBase ?? heap) - heap : 0))
  }

  /// What lies below such a module's data, and above its stack.
  func roomBelow(_ program: LLVMProgram) -> Range<UInt64> {
    let memory = program.unit.lifted?.memory
    guard let end = memory?.dataStart?.address, let stack = memory?.stackPointer?.address else { return 0..<0 }
    // 0 is the null pointer.
    let start = stack <= end ? stack : min(MemoryPass.stackAlignment, end)
    let room = start..<max(start, min(end, data.map(\.start).min() ?? end))
    checkOthers(room, of: program)
    return room
  }

  /// A heap is from its beginning on, and how far down a stack reaches nobody says.
  private func checkOthers(_ room: Range<UInt64>, of program: LLVMProgram) {
    for unit in units where unit !== program.unit {
      let heap = unit.lifted?.memory.heapBase.map(\.address).flatMap { $0 < room.upperBound ? ("heap", $0) : nil }
      let stack = stack(of: unit).flatMap { $0 > room.lowerBound ? ("stack", $0) : nil }
      guard let (what, address) = heap ?? stack else { continue }
      diagnostics.error(
        "\(unit.file.displayName): its \(what) begins at \(address), and data or a stack has to be placed at "
          + "\(room.asAddresses), below the data of \(program.unit.file.displayName), which leaves no other room (build one of "
          + "the two for other addresses)", .memory, in: unit.file.displayName, program.unit.file.displayName)
    }
  }

  // MARK: What the modules get to see

  /// Addresses of globals, by their numbers over all units, that follow from where the heap begins.
  ///
  /// - Parameters:
  ///   - heapEnd: where the memory ends at first.
  ///   - moved: by how much the heap was moved, and the stack of a module with a collector.
  func decidedAddresses(heapBase: UInt64, heapEnd: UInt64, moved: UInt64) -> [GlobalID: UInt64] {
    var addresses: [GlobalID: UInt64] = [:]
    for unit in units {
      guard let memory = unit.lifted?.memory else { continue }
      func set(_ mark: StaticMemory.Mark?, _ address: (UInt64) -> UInt64) {
        guard let mark else { return }
        addresses[unit.bases.global + (Int(mark.global) - unit.globalImports.count)] = address(mark.address)
      }
      if memory.isCollected {
        for mark in [memory.dataEnd, memory.stackPointer, memory.heapBase] { set(mark) { $0 &+ moved } }
      } else {
        set(memory.heapBase) { _ in heapBase }
        for mark in unit.staticMarksOfHeapBase { set(mark) { $0 } }
        set(memory.heapEnd) { min($0.saturatingSum(moved), heapEnd) }
      }
    }
    return addresses
  }
}
