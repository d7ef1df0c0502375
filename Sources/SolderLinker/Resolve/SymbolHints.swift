import WebAssemblyFormat

/// What may be meant by a name that nobody defines.
///
/// The usual mistakes: a C function called from C++ or the other way round, a function that is static or not exported, a
/// name that is nearly right, a library that every C program is linked with. Only asked for when a link fails, or where
/// a whole module leaves to the host what others nearly have.
struct SymbolHints {
  private let table: SymbolTable
  private let options: LinkOptions
  /// The modules in the order of the link.
  private let modules: [InputModule]
  private let fileName: (UnitID) -> String
  private let intern: (String) -> ByteString
  /// Symbols with a definition, or a promise of one, by their name in the source without namespaces and parameters;
  /// only of mangled names.
  private var bySourceName: [String: [SymbolID]] = [:]
  /// All of them.
  private var known: [SymbolID] = []

  /// - Parameter whichNobodyUses: whether only what no unit asks for by its name is looked at.
  init(_ resolution: Resolution, _ options: LinkOptions, whichNobodyUses: Bool = false) {
    table = resolution.table
    modules = resolution.inLinkOrder.map(\.module)
    fileName = { resolution.units[$0].file.displayName }
    intern = { resolution.synthetic.names.intern($0) }
    self.options = options
    var isUsed: [Bool] = []
    if whichNobodyUses {
      isUsed = [Bool](repeating: false, count: resolution.table.symbols.count)
      for unit in resolution.inLinkOrder {
        for (index, symbol) in unit.symbols.enumerated() where symbol.isUndefined {
          isUsed[Int(unit.symbolIDs[SymbolIndex(index)])] = true
        }
      }
    }
    collect(but: isUsed)
  }

  /// While names are being resolved.
  init(_ resolver: Resolver, _ options: LinkOptions, _ names: NameArena) {
    table = resolver.table
    modules = resolver.linkOrder.map { resolver.units[$0].module }
    fileName = { resolver.displayName(ofUnit: $0) }
    intern = { names.intern($0) }
    self.options = options
    collect(but: [])
  }

  private mutating func collect(but isUsed: [Bool]) {
    for id in table.slots where isUsed.isEmpty || !isUsed[Int(id)] {
      let symbol = table.symbols[id]
      guard isInArchive(symbol) || symbol.isDefined && symbol.unit != .own && !symbol.has(.isStub) else { continue }
      known.append(id)
      if let name = SymbolHints.sourceName(of: symbol.name) { bySourceName[name, default: []].append(id) }
    }
  }

  /// Whether it is defined in an archive, of which nobody needs it: it is without a unit.
  private func isInArchive(_ symbol: Symbol) -> Bool {
    symbol.lazyFile != nil || symbol.isUndefined && symbol.has(.offered)
  }

  /// For how many names it is worth looking through all others.
  static let largestCount = 100

  /// A line for a message about an undefined symbol: the likeliest mistake. `nil` if there is nothing to say.
  ///
  /// - Parameter referrers: functions that refer to it, none of which can be meant.
  func line(for name: ByteString, referrers: Set<ByteString> = []) -> String? {
    unreachable(name) ?? LibraryNames.remedy(for: name, isDynamic: !options.contract.standsAlone)
      ?? language(name, referrers) ?? similar(name) { referrers.contains($0.name) } ?? libraryWithoutExports()
  }

  /// The same of a name that has to be exported, or to be the entry: it is nothing that a library is lacking for.
  func lineOfRequest(for name: ByteString) -> String? {
    language(name, []) ?? unreachable(name) ?? similar(name) { _ in false }
  }

  /// The same of a name that the host may provide: only what can hardly be meant otherwise.
  ///
  /// - Parameter importer: who wants it; nothing of its own is meant.
  func lineOfMistake(for name: ByteString, importer: UnitID) -> String? {
    language(name, []) ?? unreachable(name) { $0.contracts.isThereForOthers }
      ?? similar(name) { other in
        // The C library has a name like nearly every other.
        other.unit == importer || other.unit == nil && LibraryNames.isStandard(other.name)
      }
  }

  // MARK: The mistakes

  /// A function of another language, or with other parameters.
  private func language(_ name: ByteString, _ referrers: Set<ByteString>) -> String? {
    if let source = SymbolHints.sourceName(of: name) {
      if let plain = table.find(intern(source)), known.contains(plain) {
        return "did you mean: \(source)\(place(plain)), which has C linkage (declare it extern \"C\" here)"
      }
      let shown = options.displayName(of: name)
      let other = bySourceName[source]?.first { id in
        !referrers.contains(symbol(id).name) && self.shown(id) != shown
      }
      return other.map { "did you mean: \(self.shown($0))\(place($0)), which has other parameters or another scope" }
    }
    guard let other = bySourceName[name.description]?.first else { return nil }
    let remedy =
      symbol(other).name.isRustName
      ? "(mark it #[no_mangle] extern \"C\")" : "(declare it extern \"C\" there, or include its header here)"
    return "did you mean: \(shown(other))\(place(other)) \(remedy)"
  }

  /// A definition that only its own file can see.
  private func unreachable(_ name: ByteString, in isAsked: (InputModule) -> Bool = { _ in true }) -> String? {
    for module in modules where isAsked(module) {
      // What stands for an import is none.
      let definitions = module.symbols.lazy.filter { !$0.isUndefined && $0.name == name && !module.isImport($0) }
      if module.contracts.isOnlyOpened, definitions.contains(where: { !$0.isLocal }) {
        return
          "\(module.file.displayName) defines it, but is only there to be opened (make it an input as well, or ask dlsym)"
      }
      if definitions.contains(where: \.isLocal) {
        return
          "\(module.file.displayName) defines \(options.displayName(of: name)), but it \(module.whyOutOfReach(name))"
      }
      let mangled = module.symbols.first { symbol in
        symbol.isLocal && !symbol.isUndefined && symbol.name.isOfFile
          && SymbolHints.sourceName(of: symbol.name) == name.description
      }
      if let mangled {
        return "\(module.file.displayName) defines \(options.displayName(of: mangled.name)), but it is static there"
      }
    }
    return nil
  }

  /// A name that differs by a letter, by upper and lower case, or by underscores around it.
  private func similar(_ name: ByteString, but isExcluded: (Symbol) -> Bool) -> String? {
    // What a compiler makes of a class has nothing that one could misspell.
    if name.isOfClass { return nil }
    let shown = options.displayName(of: name)
    let candidate = known.first { id in
      let other = symbol(id).name
      // What has the very name and is not meant is another thing.
      if other == name || !name.isLike(other) || isExcluded(symbol(id)) { return false }
      return !SymbolHints.areOpposites(name, other) && self.shown(id) != shown
    }
    return candidate.map { "did you mean: \(self.shown($0))\(place($0))" }
  }

  /// A constructor and a destructor, whose names differ by a letter.
  private static func areOpposites(_ name: ByteString, _ other: ByteString) -> Bool {
    guard let one = sourceName(of: name), let two = sourceName(of: other) else { return false }
    return one.hasPrefix("~") != two.hasPrefix("~")
  }

  /// A library of which nothing can be used.
  private func libraryWithoutExports() -> String? {
    modules.first { $0.exportsNothing }.map {
      "\($0.file.displayName) exports nothing (build it with -fvisibility=default)"
    }
  }

  // MARK: Names

  private func symbol(_ id: SymbolID) -> Symbol { table.symbols[id] }

  private func shown(_ id: SymbolID) -> String { options.displayName(of: symbol(id).name) }

  private func place(_ id: SymbolID) -> String { symbol(id).unit.map { " of \(fileName($0))" } ?? " of an archive" }

  /// The last component of a mangled name as it was written, `nil` for a name that is not mangled, and for what is no
  /// function or variable of the source.
  static func sourceName(of name: ByteString) -> String? {
    guard name.hasPrefix("_Z") || name.hasPrefix("_R"), !name.hasPrefix("_ZT"), !name.hasPrefix("_ZG"),
      var output = name.demangled
    else { return nil }
    // Rust's older names end in a hash.
    if name.hasPrefix("_ZN"), name.isRustName, output.dropLast(17).last == UInt8(ascii: ":") { output.removeLast(19) }
    var depth = 0
    var component: [UInt8] = []
    for byte in output {
      switch byte {
      case UInt8(ascii: "<"): depth += 1
      case UInt8(ascii: ">"): depth -= 1
      case UInt8(ascii: "(") where depth == 0: return String(decoding: component, as: UTF8.self)
      case UInt8(ascii: ":"), UInt8(ascii: " "): if depth == 0 { component.removeAll() }
      default: if depth == 0 { component.append(byte) }
      }
    }
    return String(decoding: component, as: UTF8.self)
  }
}

extension InputModule {
  /// Whether a symbol only stands for one of the module's imports.
  fileprivate func isImport(_ symbol: UnitSymbol) -> Bool {
    guard case .alias(let target) = symbol.meaning else { return false }
    return symbols[Int(target)].isUndefined
  }

  /// Why others cannot use what it defines under a name.
  func whyOutOfReach(_ name: ByteString) -> String {
    contracts.hasRelocationSections
      ? "is static there" : "is not exported (build it with -fvisibility=default, or --export=\(name))"
  }

  /// Whether it is a library that has functions, and offers nothing of what it has.
  var exportsNothing: Bool {
    contracts.isThereForOthers && !functions.isEmpty
      && symbols.allSatisfy { $0.isUndefined || $0.isLocal } && (lifted?.exportsOfImportedNames.isEmpty ?? true)
  }
}

extension ByteString {
  /// Whether it is the name of what C++ keeps to its file, by `static` or in a namespace without a name.
  fileprivate var isOfFile: Bool { hasPrefix("_ZL") || hasPrefix("_ZN12_GLOBAL__N_1") }

  /// Whether it is a name that Rust mangled.
  fileprivate var isRustName: Bool {
    if hasPrefix("_R") { return true }
    // A legacy name ends in a hash of sixteen digits.
    let text = description
    return text.hasPrefix("_ZN") && text.hasSuffix("E") && text.dropLast().suffix(19).hasPrefix("17h")
  }
}
