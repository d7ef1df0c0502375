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
    let size = memory.limits[Int(main)].pageSize
    for unit in resolution.inLinkOrder {
      var others: [Int64: (stated: UInt64, actual: UInt64)] = [:]
      if unit.contracts.numbersMemories {
        for (own, index) in resolution.memories.indices(in: unit).enumerated() {
          let stated = unit.module.memoryLimits(MemoryIndex(own)).pageSize
          let actual = memory.limits[Int(index)].pageSize
          if stated != actual { others[Int64(own)] = (stated, actual) }
        }
      } else if options.pageSize != size {
        others[0] = (options.pageSize, size)
      }
      if !others.isEmpty { check(unit, others) }
    }
  }

  /// - Parameter others: the unit's memories whose pages are others than its code counts on: the sizes of these, and of those
  ///   that there are.
  private func check(_ unit: Unit, _ others: [Int64: (stated: UInt64, actual: UInt64)]) {
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
