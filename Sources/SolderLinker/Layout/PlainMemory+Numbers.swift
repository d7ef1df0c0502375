import WebAssemblyFormat

// Addresses of a plain module's stack and heap that it has as numbers, in its code or in what it begins with: nothing that the
// linker writes into its globals changes them.

extension PlainMemory {
  /// A compiler that optimises writes what immutable globals hold in their place.
  func checkNumbers(of unit: Unit, _ threads: Threads) {
    guard let memory = unit.lifted?.memory else { return }
    let marks: [(StaticMemory.Mark?, ByteString, reach: UInt64)] = [
      (memory.dataEnd, ByteString("__data_end"), 1),
      (memory.heapBase, ByteString("__heap_base"), MemoryPass.heapAlignment),
    ]
    let reads = unit.reads(of: marks.compactMap { $0.0?.global })
    for (mark, name, reach) in marks {
      guard let mark, reads[mark.global] == nil else { continue }
      let addresses = mark.address..<mark.address.saturatingSum(reach)
      guard let number = ConstantSearch(addresses, in: unit.module, isAnyUse: true).lowestInCode(threads) else {
        continue
      }
      return diagnostics.error(
        "\(unit.file.displayName): its code has the number \(number) in it, and does not read ~lib/memory/\(name), which "
          + "is \(mark.address): its stack and heap cannot move, and behind them nothing can be placed (compile it without "
          + "optimisation)", .memory, symbol: name, in: unit.file.displayName)
    }
  }
}

extension Unit {
  /// Whether its code asks the global that says so where the heap begins.
  var readsHeapBase: Bool {
    guard let facts = lifted, let mark = facts.memory.heapBase else { return false }
    let symbol = facts.symbol(mark.global)
    return relocations.contains { $0.kind == .globalIndexLEB && $0.symbol == symbol }
  }

  /// The globals among some that code reads; and of each whether it goes down from there at once somewhere, as from a stack
  /// pointer.
  func reads(of globals: [GlobalIndex]) -> [GlobalIndex: Bool] {
    guard let facts = lifted, let code = module.code?.payload, !globals.isEmpty else { return [:] }
    // Most reads are of the stack pointer.
    var isWanted = Row<UnitGlobals, Bool>(repeating: false, count: facts.globals.count)
    for global in globals { isWanted[global] = true }
    let file = file.bytes
    var found: [GlobalIndex: Bool] = [:]
    for relocation in relocations where relocation.kind == .globalIndexLEB {
      // Initial values read globals too.
      guard let global = facts.global(of: relocation.namedSymbol), isWanted[global],
        Int(relocation.offset) >= code.offset
      else { continue }
      let end = Int(relocation.offset) + Int(relocation.width)
      let start = relocation.encoding == .operand ? Int(relocation.offset) - 1 : Int(relocation.offset)
      guard start >= 0, end <= file.endIndex, Opcode(rawValue: UInt16(file[start])) == .globalGet else { continue }
      found[global] = found[global] == true || file[end..<file.endIndex].subtractsNumber
    }
    return found
  }

  /// What is made of the heap base and is part of the module's static memory, so that it keeps its number: it lies below, or is
  /// where a stack begins.
  var staticMarksOfHeapBase: [StaticMemory.Mark] {
    guard let memory = lifted?.memory, let heapBase = memory.heapBase else { return [] }
    let reads = reads(of: memory.fromHeapBase.map(\.global))
    return memory.fromHeapBase.filter { mark in
      mark.address < heapBase.address || mark.global == memory.stackPointer?.global
        || module.globalType(mark.global)?.isMutable == true && reads[mark.global] == true
    }
  }

  /// Whether a data segment begins at an address that is made of the heap base, and lies below.
  var hasDataBelowHeapBase: Bool {
    guard let memory = lifted?.memory, let heapBase = memory.heapBase else { return false }
    let marks = Dictionary(([heapBase] + memory.fromHeapBase).map { ($0.global, $0.address) }) { first, _ in first }
    let width: UInt64 = module.addressWidth == 64 ? .max : 0xFFFF_FFFF
    return segments.contains { segment in
      guard case .kept(memory: .first, let offset) = segment.placement else { return false }
      let value = SymbolicEvaluator.value(of: offset, in: file) { global in
        marks[global].map { .number(Int64(bitPattern: $0)) }
      }
      guard let value, value.base == .number else { return false }
      return UInt64(bitPattern: value.addend) & width < heapBase.address
    }
  }
}

extension ByteReader {
  /// Whether the instructions that it stands at subtract a number from what is on the stack.
  fileprivate var subtractsNumber: Bool {
    var reader = InstructionReader(self, isInsideBlocks: true)
    guard let number = try? reader.next(), number.opcode.isConstant, let sum = try? reader.next() else { return false }
    let isDifference = sum.opcode == .i32Sub || sum.opcode == .i64Sub
    let isSum = sum.opcode == .i32Add || sum.opcode == .i64Add
    guard number.first > 0 && isDifference || number.first < 0 && isSum else { return false }
    // What is divided or shifted is no address, but a number of pages.
    guard let divisor = try? reader.next(), divisor.opcode.isConstant, let quotient = try? reader.next() else {
      return true
    }
    return !quotient.opcode.takesNoAddress
  }
}

extension Opcode {
  fileprivate var isConstant: Bool { self == .i32Const || self == .i64Const }
}

extension PlainMemory.LLVMProgram {
  /// How far behind a heap base a number is taken for an address. Short numbers are everywhere: of these, only what aligning
  /// may make of it is, and below any program's data only itself.
  private static func reach(of heapBase: UInt64) -> UInt64 {
    heapBase >= 1 << 14 ? .max : heapBase >= MemoryPass.firstAddress ? MemoryPass.heapAlignment : 1
  }

  /// The lowest number among addresses, unless the module has such numbers everywhere, and so in as many addresses behind them
  /// too: then only what aligning may make of the heap base.
  private static func lowest(
    in addresses: Range<UInt64>, of unit: Unit, _ heapBase: UInt64, _ find: (ConstantSearch) -> UInt64?
  ) -> UInt64? {
    guard let lowest = find(ConstantSearch(addresses, in: unit.module)) else { return nil }
    if lowest < heapBase.saturatingSum(MemoryPass.heapAlignment) { return lowest }
    let behind = addresses.upperBound..<addresses.upperBound.saturatingSum(UInt64(addresses.count))
    return find(ConstantSearch(behind, in: unit.module)) == nil ? lowest : nil
  }

  /// - Returns: `nil` for a module whose heap begins where its global says, or that shows no heap below `end`.
  init?(_ unit: Unit, roomUpTo end: UInt64, _ threads: Threads) {
    guard let facts = unit.lifted, let mark = facts.memory.heapBase, mark.address < end else { return nil }
    // That it reads the global says what a number in its code is not, but not what a variable is.
    let asks = unit.readsHeapBase
    // Alignment puts the heap base less than that behind the end of data.
    let lowest = mark.address - min(mark.address, MemoryPass.heapAlignment - 1)
    let start = facts.memory.shownDataEnd.map { min(max($0.address, lowest), mark.address) } ?? mark.address
    let addresses = start..<min(end, mark.address.saturatingSum(Self.reach(of: mark.address)))
    let pointers = facts.memory.heapPointers.filter {
      addresses.contains($0.address) && (!asks || unit.module.globalType($0.global)?.isMutable == true)
    }
    let reads = unit.reads(of: pointers.map(\.global))
    let pointer = pointers.first { reads[$0.global] == false }
    if let pointer {
      self.init(unit: unit, heapBase: mark.address, number: pointer.address, place: .global(pointer.global))
    } else if asks {
      return nil
    } else if let number = Self.lowest(in: addresses, of: unit, mark.address, { $0.lowestInCode(threads) }) {
      self.init(unit: unit, heapBase: mark.address, number: number, place: .code)
    } else if let number = Self.lowest(in: addresses, of: unit, mark.address, { $0.lowestInData() }) {
      self.init(unit: unit, heapBase: mark.address, number: number, place: .data)
    } else {
      return nil
    }
  }

  /// That there is not enough room for `size` bytes.
  func report(_ size: UInt64, in room: Range<UInt64>, _ diagnostics: Diagnostics) {
    // A stack that lies first is below the data, and no part of it.
    let stack = unit.lifted?.memory.stackPointer.map(\.address).flatMap { $0 < heapBase ? $0 : nil } ?? 0
    let base = (max(room.lowerBound, stack, MemoryPass.firstAddress) &+ size).aligned(to: 1024)
    let fits =
      room.isEmpty ? "nothing below is known to be free" : "\(size) bytes do not fit below, at \(room.asAddresses)"
    func said(_ place: String) -> String {
      number == heapBase
        ? "the number \(heapBase) of __heap_base\(place)"
        : "the number \(number)\(place), which leads to its heap (__heap_base is \(heapBase))"
    }
    let (holder, wayOut) =
      switch place {
      case .code:
        (
          "its code has \(said(" in it")) and does not read the global",
          "link it with -Wl,--global-base=\(base),--export=__global_base,--export=__stack_pointer, which leaves and shows "
            + "room there,"
        )
      case .data:
        (
          "its data has \(said(" in it")) and its code does not read the global",
          "let its code read __heap_base,"
        )
      case .global(let index):
        (
          "its global \(Int(index)) begins as \(said(""))",
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
  var asAddresses: String { "[\(lowerBound), \(upperBound))" }
}
