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
//  - An LLVM program has `__heap_base` in its code as a number, which the exported global has no influence on; others have the
//    number in a variable, where their allocator goes on from. Only what lies below its data is free (and above its stack,
//    where that lies first): `--global-base` makes room there, and exported globals say where it is.
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
    /// Only here.
    case below(Range<UInt64>, LLVMProgram)
  }

  /// A module whose heap base is a number in its code, or in what it begins with.
  struct LLVMProgram {
    enum Place {
      case code
      case data
      case global(GlobalIndex)
    }

    let unit: Unit
    let heapBase: UInt64
    let place: Place
  }

  private let units: [Unit]
  private let data: [FixedData]
  private let options: LinkOptions
  private let diagnostics: Diagnostics

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
    self.options = options
    self.diagnostics = diagnostics
  }

  /// One past the last byte of the modules' data, which is address 0 if they have none.
  private var dataEnd: UInt64 { data.reduce(0) { max($0, $1.end) } }

  /// Where static memory ends, as far as somebody says so.
  private var statedEnd: UInt64? {
    options.heapBase ?? units.compactMap { $0.lifted?.memory.heapBase?.address }.max()
  }

  /// Where the heap begins as long as nothing is placed.
  var heapBase: UInt64 { statedEnd ?? dataEnd }

  /// Where there is room; errors are in the diagnostics.
  func room() -> Room {
    if let unit = units.first(where: { $0.lifted?.memory.isCollected == true }) { return roomBeforeStack(of: unit) }
    guard let end = statedEnd else {
      if !units.contains(where: PlainMemory.importsHeapBase) {
        diagnostics.error(
          "\(units[.own].file.displayName): does not say where its static memory ends, but data or a stack has to be placed "
            + "there (define an immutable global named __heap_base, or pass --heap-base=ADDRESS)" + heapBaseHint,
          .memory,
          symbol: "__heap_base", in: units[.own].file.displayName)
      }
      return .above(dataEnd)
    }
    checkPlaces("data or a stack has to be placed")
    let programs = options.heapBase == nil ? units.compactMap(LLVMProgram.init(_:)) : []
    checkDataInHeaps(programs.map { ($0.unit, $0.heapBase) })
    if let program = programs.first { return roomBelow(program) }
    checkHeaps()
    return .above(end)
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
        "\(unit.file.displayName): \(beyond.text) lies beyond the end of its data, which __data_end says is \(start); its "
          + "stack and heap follow there (let __data_end and __heap_base be behind all data)", .memory,
        symbol: "__data_end", in: unit.file.displayName)
    } else if stack < start || heap < stack {
      diagnostics.error(
        "\(unit.file.displayName): its stack begins at \(stack), which is not between the end of its data, \(start), "
          + "and its __heap_base, \(heap)", .memory, symbol: "__stack_pointer", in: unit.file.displayName)
    }
    // The option may ask for more room below the heap, never for less.
    return .beforeStack(start + ((options.heapBase ?? heap) > heap ? (options.heapBase ?? heap) - heap : 0))
  }

  private func roomBelow(_ program: LLVMProgram) -> Room {
    let memory = program.unit.lifted?.memory
    guard let end = memory?.dataStart?.address, let stack = memory?.stackPointer?.address else {
      return .below(0..<0, program)
    }
    // 0 is the null pointer.
    let start = stack <= end ? stack : min(MemoryPass.stackAlignment, end)
    let room = start..<max(start, min(end, data.map(\.start).min() ?? end))
    checkOthers(room, of: program)
    return .below(room, program)
  }

  /// A heap is from its beginning on, and how far down a stack reaches nobody says.
  private func checkOthers(_ room: Range<UInt64>, of program: LLVMProgram) {
    for unit in units where unit !== program.unit {
      let heap = unit.lifted?.memory.heapBase.map(\.address).flatMap { $0 < room.upperBound ? ("heap", $0) : nil }
      let stack = unit.lifted?.memory.stackPointer.map(\.address).flatMap {
        $0 > room.lowerBound ? ("stack", $0) : nil
      }
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
        set(memory.heapEnd) { min($0.saturatingSum(moved), heapEnd) }
      }
    }
    return addresses
  }
}

extension Unit {
  /// Whether its code asks the global that says so where the heap begins.
  var readsHeapBase: Bool {
    guard let facts = lifted, let mark = facts.memory.heapBase else { return false }
    let symbol = facts.symbol(mark.global)
    return relocations.contains { $0.kind == .globalIndexLEB && $0.symbol == symbol }
  }
}

extension PlainMemory.LLVMProgram {
  /// - Returns: `nil` for a module whose heap begins where its global says, or that shows no heap at all.
  init?(_ unit: Unit) {
    guard let facts = unit.lifted, let mark = facts.memory.heapBase else { return nil }
    // That it reads the global says what a number in its code is not, but not what a variable is.
    let asks = unit.readsHeapBase
    let pointer = facts.memory.heapPointers.first {
      (!asks || unit.module.globalType($0)?.isMutable == true) && Self.isHeapPointer($0, facts, unit)
    }
    if let pointer {
      self.init(unit: unit, heapBase: mark.address, place: .global(pointer))
    } else if asks {
      return nil
    } else if unit.codeFacts.hasHeapBase {
      self.init(unit: unit, heapBase: mark.address, place: .code)
    } else if ConstantSearch(mark.address, in: unit.module).isInData {
      self.init(unit: unit, heapBase: mark.address, place: .data)
    } else {
      return nil
    }
  }

  /// Whether code reads a global that begins as the number of the heap base, and does not take it for a stack pointer, of
  /// which numbers are subtracted.
  private static func isHeapPointer(_ global: GlobalIndex, _ facts: LiftedFacts, _ unit: Unit) -> Bool {
    let symbol = facts.symbol(global)
    let file = unit.file.bytes
    var isRead = false
    for relocation in unit.relocations where relocation.kind == .globalIndexLEB && relocation.symbol == symbol {
      let end = Int(relocation.offset) + Int(relocation.width)
      let start = relocation.encoding == .operand ? Int(relocation.offset) - 1 : Int(relocation.offset)
      guard start >= 0, end <= file.endIndex, Opcode(rawValue: UInt16(file[start])) == .globalGet else { continue }
      isRead = true
      var reader = InstructionReader(file[end..<file.endIndex])
      guard let number = try? reader.next(), number.opcode == .i32Const || number.opcode == .i64Const,
        let sum = try? reader.next()
      else { continue }
      if sum.opcode == .i32Sub || sum.opcode == .i64Sub { return false }
    }
    return isRead
  }

  /// That there is not enough room for `size` bytes.
  func report(_ size: UInt64, in room: Range<UInt64>, _ diagnostics: Diagnostics) {
    let base = (max(room.lowerBound, MemoryPass.firstAddress) &+ size).aligned(to: 1024)
    let fits =
      room.isEmpty ? "nothing below is known to be free" : "\(size) bytes do not fit below, at \(room.asAddresses)"
    let (holder, wayOut) =
      switch place {
      case .code:
        (
          "its code has the number \(heapBase) of __heap_base in it and does not read the global",
          "link it with -Wl,--global-base=\(base),--export=__global_base,--export=__stack_pointer, which leaves and shows "
            + "room there,"
        )
      case .data:
        (
          "its data has the number \(heapBase) of __heap_base in it and its code does not read the global",
          "let its code read __heap_base,"
        )
      case .global(let index):
        (
          "its global \(Int(index)) begins as the number \(heapBase) of __heap_base",
          "let that global begin as 'global.get' of __heap_base,"
        )
      }
    diagnostics.error(
      "\(unit.file.displayName): \(holder), so "
        + "that nothing can be placed behind its static memory, and \(fits) (\(wayOut) "
        + "or pass --heap-base=\(heapBase) if its heap does not begin there)", .memory, symbol: "__heap_base",
      in: unit.file.displayName)
  }
}

extension Range<UInt64> {
  /// For messages.
  fileprivate var asAddresses: String { "[\(lowerBound), \(upperBound))" }
}
