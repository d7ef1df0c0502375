import WebAssemblyFormat

// Identical code folding (`--icf`): of functions that do the same, one is kept.
//
// Each library brings its own copy of inline functions and of instances of templates, and compilers make equal code of
// functions that only differ in types. Two functions are identical if their type is, their locals, their instructions and
// all that these refer to; what they call need not be the same function, but an identical one, and a function that calls
// itself is identical to another that calls itself. So there is no order in which to compare them: at first all functions
// that look alike are taken for identical, and those that turn out to lead to different ones are told apart until nothing
// changes (`Partition.swift`). This finds the most that can be folded, cycles included.
//
// What could still tell identical functions apart is their addresses, and what the host sees.
//
//  - A function pointer is a slot of the table, and a table may hold one function in several slots. With `--icf=safe` a
//    folded function keeps a slot of its own, in which the other one is: pointers that were different stay different, so
//    nothing that a program can compare tells of the folding. Linkers for machine code cannot do this, and leave functions
//    alone whose address is taken; here they can be folded like all others.
//  - The host sees functions as objects, and one function that is exported under two names is one object to it. A host
//    may keep such objects apart (a loader gives each a slot), so `--icf=safe` leaves exported functions as they are.
//    Only a host that takes functions out of the table and compares the objects would notice.
//  - With `--icf=all` a program promises to care for neither: exported functions are folded, and functions that get a slot
//    because something points to them share one. Slots that code computes, or that a plain module filled, stay all the
//    same, as two pointers to one function must be equal.
//
// The function that comes first in the result is kept. Its name stands in the name section; in the map all are listed with
// it. Debug information about the others is marked as that about functions that were dropped, but for line numbers, which
// a debugger needs for breakpoints in them.

/// Finds functions that are identical to others; see the comment at the head of the file.
struct FoldPass {
  private let resolution: Resolution
  private let live: Liveness
  private let memory: MemoryPlan
  private let options: LinkOptions
  private let threads: Threads
  /// Functions that may be folded, in the order of the result.
  private var candidates: [DefinitionReference] = []

  init(
    _ resolution: Resolution, _ live: Liveness, _ memory: MemoryPlan, _ options: LinkOptions, _ threads: Threads
  ) {
    self.resolution = resolution
    self.live = live
    self.memory = memory
    self.options = options
    self.threads = threads
  }

  /// Runs the pass.
  consuming func run() -> FunctionFolds {
    guard options.identicalCodeFolding != .none else { return FunctionFolds() }
    let contents = findCandidates()
    let described = describeAll(contents)
    var partition = Partition(classes(of: described.hashes, contents), count: candidates.count)
    partition.refine(by: described.edges)
    return folds(partition)
  }

  // MARK: Candidates

  private mutating func findCandidates() -> FunctionContents {
    let kept = options.identicalCodeFolding == .safe ? exportedFunctions : []
    var numbers = Row<LinkFunctions, PackedIndex<FunctionContents.Candidates>>(
      repeating: .none, count: live.functions.count)
    for unit in resolution.inLinkOrder {
      for (index, function) in unit.functions.enumerated() {
        let id = unit.bases.function + index
        guard live.functions[id], !unit.isDiscarded(comdat: function.comdat), !kept.contains(id) else { continue }
        numbers[id] = PackedIndex(Index(candidates.count))
        candidates.append(DefinitionReference(unit: unit.index, index: UInt32(index)))
      }
    }
    return FunctionContents(
      resolution, memory, options, candidates: numbers,
      pinned: options.identicalCodeFolding == .all ? functionsWithFixedSlots : nil)
  }

  /// Functions that the host, or a loader, sees under a name.
  private var exportedFunctions: Set<FunctionID> {
    var functions: Set<FunctionID> = []
    func add(_ id: SymbolID) {
      let symbol = resolution.symbol(id)
      guard symbol.kind == .function, symbol.definition != nil else { return }
      functions.insert(symbol.functionID)
    }
    let areVisible = resolution.symbols(threads) { [options] symbol in
      symbol.kind == .function && symbol.isDefined
        && (symbol.isExported(options) || symbol.needsImportedAddress(options))
    }
    for index in areVisible.indices where areVisible[index] { add(SymbolID(index)) }
    for unit in resolution.inLinkOrder where unit.contracts.keepsExports {
      guard let facts = unit.lifted else { continue }
      for case let function? in unit.exports.lazy.map(\.function) { add(unit.symbolIDs[facts.symbol(function)]) }
    }
    for entry in resolution.exportedImports { add(entry.symbol) }
    if let entry = resolution.entry { add(entry) }
    return functions
  }

  /// Functions in slots that code computes, or that their module filled.
  private var functionsWithFixedSlots: Set<FunctionID> {
    var functions: Set<FunctionID> = []
    for unit in resolution.inLinkOrder where unit.contracts.keepsSlots || unit.codeFacts.needsTableBlock {
      guard let facts = unit.lifted else { continue }
      for case let function? in unit.elements.lazy.flatMap(\.functions).map(\.index) {
        let symbol = resolution.symbol(unit.symbolIDs[facts.symbol(function)])
        if symbol.definition != nil { functions.insert(symbol.functionID) }
      }
    }
    return functions
  }

  // MARK: Contents

  private static let batch = 256

  /// Describes all candidates, each by a hash of what it does and by the candidates it refers to.
  private func describeAll(_ contents: FunctionContents) -> (hashes: [UInt64], edges: Partition.Edges) {
    let count = candidates.count
    let parts = threads.map((count + FoldPass.batch - 1) / FoldPass.batch) { [candidates, resolution] part in
      var hashes: [UInt64] = []
      var edges: [UInt32] = []
      var edgeCounts: [UInt32] = []
      var content = ByteWriter()
      var source = RelocatedUnit(resolution.units[.own])
      for candidate in candidates[part * FoldPass.batch..<min((part + 1) * FoldPass.batch, count)] {
        if source.unit.index != candidate.unit { source = RelocatedUnit(resolution.units[candidate.unit]) }
        let before = edges.count
        content.removeAll()
        contents.describe(Int(candidate.index), of: source, &content, &edges)
        hashes.append(XXH3.hash(content.bytes[...]))
        edgeCounts.append(UInt32(edges.count - before))
      }
      return (hashes: hashes, edges: edges, edgeCounts: edgeCounts)
    }
    var edges = Partition.Edges()
    edges.starts.reserveCapacity(count + 1)
    var end: UInt32 = 0
    for part in parts {
      for count in part.edgeCounts {
        end += count
        edges.starts.append(end)
      }
    }
    edges.targets = threads.joined(parts.map(\.edges))
    return (threads.joined(parts.map(\.hashes)), edges)
  }

  /// Candidates that look alike. A hash only says where to compare.
  private func classes(of hashes: [UInt64], _ contents: FunctionContents) -> [[UInt32]] {
    let order = hashes.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }
    let groups = order.runs { hashes[$0] == hashes[$1] }
    return threads.map(groups.count, batch: 64) {
      let group = order[groups[$0]].map { UInt32($0) }
      return group.count == 1 ? [group] : compared(group, contents)
    }.flatMap { $0 }
  }

  /// Those of a group that are as its first, and each other one for itself: that only hashes are equal does not happen by
  /// chance.
  private func compared(_ group: [UInt32], _ contents: FunctionContents) -> [[UInt32]] {
    let first = content(of: group[0], contents)
    var (same, others): ([UInt32], [[UInt32]]) = ([group[0]], [])
    for candidate in group.dropFirst() {
      if content(of: candidate, contents) == first { same.append(candidate) } else { others.append([candidate]) }
    }
    return [same] + others
  }

  private func content(of number: UInt32, _ contents: FunctionContents) -> [UInt8] {
    let candidate = candidates[Int(number)]
    var content = ByteWriter()
    var edges: [UInt32] = []
    contents.describe(
      Int(candidate.index), of: RelocatedUnit(resolution.units[candidate.unit]), &content, &edges)
    return content.bytes
  }

  // MARK: The result

  private func folds(_ partition: Partition) -> FunctionFolds {
    func function(_ number: UInt32) -> FunctionID {
      let candidate = candidates[Int(number)]
      return resolution.units[candidate.unit].bases.function + candidate.index
    }
    var kept = Row<LinkFunctions, PackedIndex<LinkFunctions>>(repeating: .none, count: live.functions.count)
    for number in partition.classes.indices where partition.classes[number].count > 1 {
      let members = partition.members(of: number)
      guard let first = members.min() else { continue }
      for member in members where member != first { kept[function(member)] = PackedIndex(function(first)) }
    }
    return FunctionFolds(kept, sharesSlots: options.identicalCodeFolding == .all)
  }
}
