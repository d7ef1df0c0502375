import WebAssemblyFormat

// Addresses of a plain module's stack and heap that it has as numbers, in its code or in what it begins with: nothing that the
// linker writes into its globals changes them.

extension PlainMemory {
  /// A compiler that optimises writes what immutable globals hold in their place.
  func checkNumbers(of unit: Unit, _ threads: Threads) {
    guard let memory = unit.lifted?.memory else { return }
    let marks: [(StaticMemory.Mark?, ByteString, reach: UInt64)] = [
      (memory.dataEnd, ByteString("__data_end"), 1), (memory.heapBase, ByteString("__heap_base"), 16),
    ]
    for (mark, name, reach) in marks {
      guard let mark, unit.reads(of: mark.global).all == 0 else { continue }
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

  /// How often code reads a global, and how often it goes down from there at once, as from a stack pointer.
  func reads(of global: GlobalIndex) -> (all: Int, downwards: Int) {
    guard let symbol = lifted?.symbol(global), let code = module.code?.payload else { return (0, 0) }
    let file = file.bytes
    var (all, downwards) = (0, 0)
    for relocation in relocations where relocation.kind == .globalIndexLEB && relocation.symbol == symbol {
      // Initial values read globals too.
      guard Int(relocation.offset) >= code.offset else { continue }
      let end = Int(relocation.offset) + Int(relocation.width)
      let start = relocation.encoding == .operand ? Int(relocation.offset) - 1 : Int(relocation.offset)
      guard start >= 0, end <= file.endIndex, Opcode(rawValue: UInt16(file[start])) == .globalGet else { continue }
      all += 1
      var reader = InstructionReader(file[end..<file.endIndex], isInsideBlocks: true)
      guard let number = try? reader.next(), number.opcode == .i32Const || number.opcode == .i64Const,
        let sum = try? reader.next()
      else { continue }
      let isDifference = sum.opcode == .i32Sub || sum.opcode == .i64Sub
      let isSum = sum.opcode == .i32Add || sum.opcode == .i64Add
      guard number.first > 0 && isDifference || number.first < 0 && isSum else { continue }
      // What is divided or shifted is no address, but a number of pages.
      if let divisor = try? reader.next(), divisor.opcode == .i32Const || divisor.opcode == .i64Const,
        let quotient = try? reader.next(), quotient.opcode.takesNoAddress
      {
        continue
      }
      downwards += 1
    }
    return (all, downwards)
  }

  /// Whether what a global makes of the heap base is part of the module's static memory, so that it keeps its number: it lies
  /// below, or is where a stack begins.
  func keepsNumber(of mark: StaticMemory.Mark) -> Bool {
    guard let memory = lifted?.memory, let heapBase = memory.heapBase else { return false }
    return mark.address < heapBase.address || mark.global == memory.stackPointer?.global
      || module.globalType(mark.global)?.isMutable == true && reads(of: mark.global).downwards > 0
  }

  /// Whether a data segment begins at an address that is made of the heap base, and lies below.
  func isBelowHeap(segment: Int) -> Bool {
    guard case .kept(memory: .first, let offset) = segments[segment].placement, let memory = lifted?.memory,
      let heapBase = memory.heapBase
    else { return false }
    let value = SymbolicEvaluator.value(of: offset, in: file) { global in
      let mark = ([heapBase] + memory.fromHeapBase).first { $0.global == global }
      return (mark?.address).map { .number(Int64(bitPattern: $0)) }
    }
    guard let value, value.base == .number else { return false }
    return UInt64(bitPattern: value.addend) & (module.addressWidth == 64 ? .max : 0xFFFF_FFFF) < heapBase.address
  }
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
    let start = facts.memory.shownDataEnd.map {
      min(max($0.address, mark.address &- min(mark.address, 15)), mark.address)
    }
    let addresses = (start ?? mark.address)..<min(end, mark.address.saturatingSum(Self.reach(of: mark.address)))
    let pointer = facts.memory.heapPointers.first {
      guard addresses.contains($0.address), !asks || unit.module.globalType($0.global)?.isMutable == true else {
        return false
      }
      let reads = unit.reads(of: $0.global)
      return reads.all > 0 && reads.downwards == 0
    }
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
    let base = (max(room.lowerBound, MemoryPass.firstAddress) &+ size).aligned(to: 1024)
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
