import WebAssemblyFormat

/// The features that the result uses (tool-conventions, Linking.md, Target Features Section).
struct FeatureSet {
  /// Names, sorted.
  private(set) var allowed: [String] = []

  var hasBulkMemory: Bool { allowed.contains("bulk-memory") }
  var hasExtendedConst: Bool { allowed.contains("extended-const") }
  var hasMutableGlobals: Bool { allowed.contains("mutable-globals") }

  /// Whether zero-initialised segments are written out: relocations may refer to places in them, and an imported memory
  /// may not be zero.
  func emitsBSS(_ options: LinkOptions) -> Bool {
    options.emitRelocations || options.memoryImport != nil && !hasBulkMemory
  }

  /// Whether code has to set up a segment's memory: a passive one, or one to clear in a memory that comes from outside.
  func needsCode(toInitialize segment: OutputSegment, _ options: LinkOptions) -> Bool {
    guard segment.isPlaced else { return false }
    if options.memoryImport != nil, segment.isBSS, !emitsBSS(options) { return true }
    return segment.isPassive
  }

  /// Joins and checks the features of all objects.
  init(
    _ resolution: Resolution, _ live: Liveness, _ memory: MemoryPlan, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    var names = Set(options.extraFeatures)
    if options.isPositionIndependent { names.insert("mutable-globals") }
    names.formUnion(options.features ?? [])
    var used: [String: String] = [:]
    var required: [String: String] = [:]
    var disallowed: [String: String] = [:]
    var known: Set<TargetFeatureKey> = []
    for unit in resolution.inLinkOrder {
      // It was made for threads, whatever is left of what it says.
      if unit.lifted?.threadLocalBlock != nil {
        for name in ["atomics", "bulk-memory"] { used[name] = used[name] ?? unit.file.displayName }
      }
      for feature in unit.features {
        // Nearly all files say the same.
        let key = TargetFeatureKey(prefix: feature.prefix, name: feature.name)
        if "+=-".utf8.contains(feature.prefix), !known.insert(key).inserted { continue }
        let name = feature.name.description
        switch feature.prefix {
        case UInt8(ascii: "+"): used[name] = used[name] ?? unit.file.displayName
        case UInt8(ascii: "="):
          used[name] = used[name] ?? unit.file.displayName
          required[name] = required[name] ?? unit.file.displayName
        case UInt8(ascii: "-"): disallowed[name] = disallowed[name] ?? unit.file.displayName
        default:
          diagnostics.error(
            "Unrecognized feature policy prefix \(feature.prefix)\n>>> of feature '\(name)' in \(unit.file.displayName)",
            .features, in: unit.file.displayName)
        }
      }
    }
    if options.features == nil { names.formUnion(used.keys) }
    allowed = names.sorted()
    guard options.checkFeatures else { return }
    checkThreads(resolution, live, memory, options, disallowed, diagnostics)
    if options.features != nil {
      for (name, file) in used.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
        diagnostics.error("Target feature '\(name)' used by \(file) is not allowed.", .features, in: file)
      }
    }
    checkEach(resolution, required, disallowed, diagnostics)
  }

  private func checkThreads(
    _ resolution: Resolution, _ live: Liveness, _ memory: MemoryPlan, _ options: LinkOptions,
    _ disallowed: [String: String], _ diagnostics: Diagnostics
  ) {
    if options.sharedMemory {
      if let file = disallowed["shared-mem"] {
        diagnostics.error(
          "--shared-memory is disallowed by \(file) because it was not compiled with 'atomics' or 'bulk-memory' features.",
          .features, in: file)
      }
      for feature in ["atomics", "bulk-memory"] where !allowed.contains(feature) {
        diagnostics.error("'\(feature)' feature must be used in order to use shared memory", .features)
      }
    }
    guard memory.segments.contains(where: { $0.flags.contains(.tls) }) else { return }
    let usesTLS = resolution.inLinkOrder.contains { unit in
      unit.contracts.declaresFeatures
        && unit.segments.enumerated().contains { $1.isTLS && live.segments[unit.bases.segment + $0] }
    }
    if usesTLS {
      for feature in ["atomics", "bulk-memory"] where !allowed.contains(feature) {
        diagnostics.error("'\(feature)' feature must be used in order to use thread-local storage", .features)
      }
    }
  }

  private func checkEach(
    _ resolution: Resolution, _ required: [String: String], _ disallowed: [String: String], _ diagnostics: Diagnostics
  ) {
    guard !required.isEmpty || !disallowed.isEmpty else { return }
    for unit in resolution.inLinkOrder where unit.contracts.declaresFeatures {
      var own: Set<String> = []
      for feature in unit.features where feature.prefix != UInt8(ascii: "-") {
        let name = feature.name.description
        own.insert(name)
        if let other = disallowed[name] {
          diagnostics.error(
            "Target feature '\(name)' used in \(unit.file.displayName) is disallowed by \(other). "
              + "Use --no-check-features to suppress.", .features, in: unit.file.displayName, other)
        }
      }
      for (name, file) in required.sorted(by: { $0.key < $1.key }) where !own.contains(name) {
        diagnostics.error(
          "Missing target feature '\(name)' in \(unit.file.displayName), required by \(file). "
            + "Use --no-check-features to suppress.", .features, in: unit.file.displayName, file)
      }
    }
  }

  /// Reports variables that the host would have to share although no input was made for hosts that can do so.
  func checkMutableGlobals(
    _ resolution: Resolution, _ plan: IndexPlan, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    guard options.contract.settlesUndefined, options.checkFeatures, !hasMutableGlobals, !diagnostics.hasErrors else {
      return
    }
    func report(_ verb: String, _ symbol: Symbol) {
      diagnostics.error(
        "mutable global \(verb) but 'mutable-globals' feature not present in inputs: `\(options.displayName(of: symbol.name))`. "
          + "Use --no-check-features to suppress.", .features, symbol: symbol.name)
    }
    for entry in plan.imports where entry.kind == .global {
      let symbol = resolution.symbol(entry.symbol)
      let unit = resolution.units[symbol.definer]
      if unit.contracts.sharesVariablesByFeature,
        symbol.imported.map({ unit.globalImports[Int($0)].global.isMutable }) ?? false
      {
        report("imported", symbol)
      }
    }
    for case let id? in plan.exports.map(\.symbol) {
      let symbol = resolution.symbol(id)
      guard symbol.kind == .global else { continue }
      let unit = resolution.units[symbol.definer]
      let isImmutable = symbol.isDefined && !unit.globals[symbol.globalID - unit.bases.global].type.isMutable
      if unit.contracts.sharesVariablesByFeature,
        !(isImmutable && options.compatibility.exportsImmutableGlobalsFreely)
      {
        report("exported", symbol)
      }
    }
  }
}

/// What a file says of a feature.
private struct TargetFeatureKey: Hashable {
  let prefix: UInt8
  let name: ByteString
}
