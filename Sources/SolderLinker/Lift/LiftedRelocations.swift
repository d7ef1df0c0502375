import WebAssemblyFormat

/// Joins what ``CodeLifter`` found in the code of a finished module into its unit.
struct LiftedRelocations {
  private let unit: Unit
  private let runs: [(functions: Range<Int>, result: CodeLifter.Result)]
  private let diagnostics: Diagnostics

  /// - Parameter runs: runs of functions, in order, with what was found in each.
  init(_ unit: Unit, _ runs: [(functions: Range<Int>, result: CodeLifter.Result)], _ diagnostics: Diagnostics) {
    self.unit = unit
    self.runs = runs
    self.diagnostics = diagnostics
  }

  func join(_ threads: Threads) {
    joinRelocations(threads)
    var needed: Set<UInt32> = []
    for (_, result) in runs {
      if let error = result.error {
        diagnostics.error(error, in: unit.file)
        continue
      }
      unit.lifted?.variables.formUnion(result.assignedGlobals)
      needed.formUnion(result.neededFunctions)
      if result.needsTableBlock { unit.lifted?.needsTableBlock = true }
      if result.namesSegments { unit.lifted?.namesSegments = true }
      unit.lifted?.namedFunctions.formUnion(result.namedFunctions)
      unit.lifted?.namedElements.formUnion(result.namedElements)
    }
    scanNeededAfterAll(needed)
    foldAssignedGlobals()
  }

  /// Puts the relocations of all runs one behind the other, and tells functions which are theirs.
  private func joinRelocations(_ threads: Threads) {
    let declared = unit.relocations
    var count = declared.count
    let starts = runs.map { run in
      defer { count += run.result.relocations.count }
      return count
    }
    let (total, runs) = (count, runs)
    unit.relocations = Array(unsafeUninitializedCapacity: total) { buffer, initialized in
      _ = buffer[..<declared.count].initialize(fromContentsOf: declared)
      unit.functions.withUnsafeMutableBufferPointer { functions in
        // Each run has its own functions, and its own relocations.
        nonisolated(unsafe) let (buffer, functions) = (buffer, functions)
        threads.forEach(runs.count) { index in
          let result = runs[index].result
          let start = starts[index]
          _ = buffer[start..<start + result.relocations.count].initialize(fromContentsOf: result.relocations)
          for (function, range) in zip(runs[index].functions, result.ranges) {
            functions[function].body.relocations = RelocationRange(
              start: UInt32(start) + range.start, end: UInt32(start) + range.end)
          }
        }
      }
      initialized = total
    }
  }

  /// A relocation function that was read has done its work, and its body goes; unless something needs it that is no
  /// part of the start-up: an export of its own, a table, a pointer, a call from other code.
  private func scanNeededAfterAll(_ called: Set<UInt32>) {
    guard let facts = unit.lifted, !facts.readFunctions.isEmpty else { return }
    var needed = called.union(facts.readFunctions.intersection(unit.elements.flatMap(\.functions)))
    let first = UInt32(unit.functionImports.count)
    for symbol in unit.symbols where symbol.kind == .function && !symbol.isLocal && !symbol.isUndefined {
      if symbol.aliasOf == none32 { needed.insert(first + symbol.element) }
    }
    needed.formIntersection(facts.readFunctions)
    var waiting = needed.sorted()
    while let function = waiting.popLast() {
      unit.lifted?.readFunctions.remove(function)
      let index = Int(function - first)
      let lifter = CodeLifter(unit, functions: index..<index + 1)
      lifter.work()
      guard let result = lifter.found(in: unit, movesMemory: false)?.first?.result else { continue }
      if let error = result.error { return diagnostics.error(error, in: unit.file) }
      let start = UInt32(unit.relocations.count)
      unit.relocations += result.relocations
      unit.functions[index].body.relocations = RelocationRange(start: start, end: UInt32(unit.relocations.count))
      // The globals that it sets have these values already, so they do not become variables.
      if result.needsTableBlock { unit.lifted?.needsTableBlock = true }
      waiting += result.neededFunctions.subtracting(needed).sorted()
      needed.formUnion(result.neededFunctions)
    }
  }

  /// Globals that only a relocation function sets, once, are constants after all.
  private func foldAssignedGlobals() {
    guard let facts = unit.lifted, !facts.assignedGlobals.isEmpty else { return }
    let exported = Set(unit.exports.filter { $0.kind == .global }.map(\.index))
    let constants = facts.assignedGlobals.filter { !facts.variables.contains($0.key) && !exported.contains($0.key) }
    for index in unit.relocations.indices where unit.relocations[index].kind == .globalIndexLEB {
      let target = unit.relocations[index].target
      guard target >= facts.globalSymbols, var value = constants[target - facts.globalSymbols] else { continue }
      if value.base == .tableBlock {
        if let symbol = facts.symbol(atSlot: value.addend, of: unit) {
          value = SymbolicValue(base: .slot(symbol: symbol), addend: 0)
        } else {
          unit.lifted?.needsTableBlock = true
        }
      }
      guard unit.relocations[index].encoding.isGlobalGet else { continue }
      _ = unit.relocations[index].become(
        value, is64: unit.globalType(target - facts.globalSymbols)?.valueType == 0x7E)
    }
    // What is not folded, for whatever reason, has its value when the program starts.
    for (global, value) in facts.assignedGlobals { unit.lifted?.initialValues[global] = value }
  }
}
