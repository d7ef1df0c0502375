import WebAssemblyFormat

/// Code that counts pages of another size than its memory has.
///
/// A library says of what size the pages of its memory are, but lives in whatever memory there is, and of objects only the
/// command line says it (`--page-size`). That is no matter to code that loads and stores. `memory.size` and `memory.grow`,
/// however, would count other pages than the code was made for (custom page sizes proposal).
struct PageSizeCheck {
  let resolution: Resolution
  let live: Liveness
  let memory: MemoryPlan
  let options: LinkOptions
  let diagnostics: Diagnostics

  func run() {
    // Without a layout nobody knows how large memories are.
    guard let main = resolution.memories.main, !diagnostics.hasErrors else { return }
    for unit in resolution.inLinkOrder {
      if !unit.contracts.numbersMemories {
        check(unit, sizes: [0: (options.pageSize, memory.limits[Int(main)].pageSize)])
        continue
      }
      var sizes: [Int64: (stated: UInt64, actual: UInt64)] = [:]
      for (own, index) in resolution.memories.indices(in: unit).enumerated() {
        sizes[Int64(own)] = (unit.module.memoryLimits(MemoryIndex(own)).pageSize, memory.limits[Int(index)].pageSize)
      }
      check(unit, sizes: sizes)
    }
  }

  /// - Parameter sizes: by the unit's memories, the sizes of pages that its code counts on, and of those that there are.
  private func check(_ unit: Unit, sizes: [Int64: (stated: UInt64, actual: UInt64)]) {
    let others = sizes.filter { $0.value.stated != $0.value.actual }
    guard !others.isEmpty else { return }
    for (index, function) in unit.functions.enumerated() where live.functions[unit.bases.function + index] {
      guard let memory = memoryCounted(by: function, in: unit, others), let (stated, actual) = others[memory] else {
        continue
      }
      diagnostics.error(
        "\(unit.file.displayName): the function \(options.displayName(of: function.name)) counts pages of \(stated) bytes "
          + "(memory.size, memory.grow), and those of its memory have \(actual) (build it for such a memory"
          + (unit.contracts.numbersMemories ? ")" : ", and pass --page-size=\(actual))"), .memory,
        symbol: function.name, in: unit.file.displayName)
      return
    }
  }

  /// The memory among `memories` of which a function asks the size or asks for more.
  private func memoryCounted(
    by function: Function, in unit: Unit, _ memories: [Int64: (stated: UInt64, actual: UInt64)]
  ) -> Int64? {
    var code = unit.file.bytes[Int(function.body.start)..<Int(function.body.start) + Int(function.body.size)]
    guard (try? code.skipLocals()) != nil else { return nil }
    var reader = InstructionReader(code)
    while let instruction = try? reader.next() {
      if instruction.opcode == .memorySize || instruction.opcode == .memoryGrow, memories[instruction.first] != nil {
        return instruction.first
      }
    }
    return nil
  }
}
