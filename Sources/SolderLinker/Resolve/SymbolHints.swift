import WebAssemblyFormat

/// What may be meant by a name that nobody defines.
///
/// The usual mistakes: a C function called from C++ or the other way round, a function that is static or not exported, a
/// name that is nearly right, a library that every C program is linked with. Only asked for when a link fails.
struct SymbolHints {
  private let resolution: Resolution
  private let options: LinkOptions
  /// Symbols with a definition, or a promise of one, by their name in the source without namespaces and parameters;
  /// only of mangled names.
  private var bySourceName: [String: [SymbolID]] = [:]
  /// All of them.
  private var known: [SymbolID] = []

  /// - Parameter whichNobodyUses: whether only what no unit asks for by its name is looked at.
  init(_ resolution: Resolution, _ options: LinkOptions, whichNobodyUses: Bool = false) {
    self.resolution = resolution
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
    for id in resolution.table.slots where isUsed.isEmpty || !isUsed[Int(id)] {
      let symbol = resolution.symbol(id)
      // What nobody referred to, in an archive, is without a unit.
      let isInArchive = symbol.isUndefined && symbol.unit == nil && symbol.attributes.subtracting(.offered).isEmpty
      guard isInArchive || !symbol.isUndefined && symbol.unit != .own && !symbol.has(.isStub) else { continue }
      known.append(id)
      if let name = SymbolHints.sourceName(of: symbol.name) { bySourceName[name, default: []].append(id) }
    }
  }

  /// For how many names it is worth looking through all others.
  static let largestCount = 100

  /// A line for a message about an undefined symbol: the likeliest mistake. `nil` if there is nothing to say.
  func line(for id: SymbolID) -> String? {
    let name = resolution.symbol(id).name
    return language(name) ?? unreachable(name) ?? library(of: name) ?? similar(name)
  }

  /// The same of a name that the host may provide: only what can hardly be meant otherwise.
  func lineOfMistake(for id: SymbolID) -> String? {
    let name = resolution.symbol(id).name
    return language(name) ?? unreachable(name) { $0.contracts.isSetUpByExports } ?? similar(name)
  }

  // MARK: The mistakes

  /// A function of another language, or with other parameters.
  private func language(_ name: ByteString) -> String? {
    if let source = SymbolHints.sourceName(of: name) {
      if let plain = resolution.table.find(resolution.synthetic.names.intern(source)),
        !resolution.symbol(plain).isUndefined || resolution.symbol(plain).unit == nil
      {
        return "did you mean: \(source)\(place(plain)), which has C linkage (declare it extern \"C\" here)"
      }
      guard let other = bySourceName[source]?.first else { return nil }
      return "did you mean: \(shown(other))\(place(other)), which has other parameters or another scope"
    }
    guard let other = bySourceName[name.description]?.first else { return nil }
    let remedy =
      resolution.symbol(other).name.isRustName
      ? "(mark it #[no_mangle] extern \"C\")" : "(declare it extern \"C\" there, or include its header here)"
    return "did you mean: \(shown(other))\(place(other)) \(remedy)"
  }

  /// A definition that only its own file can see.
  private func unreachable(_ name: ByteString, in isAsked: (Unit) -> Bool = { _ in true }) -> String? {
    for unit in resolution.inLinkOrder where isAsked(unit) {
      // What stands for an import is none.
      let definitions = unit.symbols.lazy.filter { !$0.isUndefined && $0.name == name && !unit.isImport($0) }
      if unit.contracts.isOnlyOpened, definitions.contains(where: { !$0.isLocal }) {
        return
          "\(unit.file.displayName) defines it, but is only there to be opened (make it an input as well, or ask dlsym)"
      }
      guard definitions.contains(where: \.isLocal) else { continue }
      let reason =
        unit.contracts.hasRelocationSections
        ? "is static there" : "is not exported (build it with -fvisibility=default, or --export=\(name))"
      return "\(unit.file.displayName) defines \(options.displayName(of: name)), but it \(reason)"
    }
    return nil
  }

  /// A name that differs by a letter, by upper and lower case, or by underscores around it.
  private func similar(_ name: ByteString) -> String? {
    let bare = SymbolHints.withoutUnderscores(name)
    let candidate = known.first { id in
      let other = resolution.symbol(id).name
      // What has the very name and is not meant is another thing.
      if other == name { return false }
      return other.isNearly(name) || !bare.isEmpty && SymbolHints.withoutUnderscores(other).elementsEqual(bare)
    }
    return candidate.map { "did you mean: \(shown($0))\(place($0))" }
  }

  /// A library that the name is known to be from.
  private func library(of name: ByteString) -> String? {
    let text = name.description
    if text.hasPrefix("_ZS") || text.hasPrefix("_ZNS") || text.hasPrefix("_ZNKS") { return "add -lc++" }
    if text.hasPrefix("__cxa_find_matching_catch_") || ["__resumeException", "llvm_eh_typeid_for"].contains(text) {
      return "exceptions of C++ in emscripten's older way, whose runtime is JavaScript: build with -fwasm-exceptions"
    }
    if text.hasPrefix("__cxa_") || ["_Znwm", "_Znwj", "_ZdlPv", "_ZdaPv", "_Znam", "_Znaj"].contains(text)
      || text.hasPrefix("_ZTVN10__cxxabiv1")
    {
      return "add -lc++abi"
    }
    if text.hasPrefix("_Unwind_") { return "add -lunwind" }
    if text.hasPrefix("__wasi_") { return "add -lc (wasi-libc)" }
    if SymbolHints.runtimeFunctions.contains(text) { return "add libclang_rt.builtins.a, clang's runtime library" }
    return SymbolHints.standardFunctions.contains(text) ? "add -lc" : nil
  }

  private static let runtimeFunctions: Set<String> = [
    "__multi3", "__divti3", "__udivti3", "__modti3", "__umodti3", "__ashlti3", "__ashrti3", "__lshrti3", "__addtf3",
    "__subtf3", "__multf3", "__divtf3", "__trunctfdf2", "__extenddftf2", "__trunctfsf2", "__extendsftf2", "__fixtfsi",
    "__floatsitf", "__floatunsitf", "__eqtf2", "__netf2", "__lttf2", "__letf2", "__gttf2", "__getf2", "__unordtf2",
  ]

  /// Those that small programs use.
  private static let standardFunctions: Set<String> = [
    "abort", "atoi", "calloc", "exit", "fclose", "fflush", "fgets", "fopen", "fprintf", "fputc", "fputs", "fread",
    "free",
    "fwrite", "getenv", "malloc", "memchr", "memcmp", "memcpy", "memmove", "memset", "printf", "putchar", "puts",
    "qsort",
    "rand", "realloc", "snprintf", "sprintf", "sscanf", "stderr", "stdin", "stdout", "strcat", "strchr", "strcmp",
    "strcpy", "strdup", "strlen", "strncmp", "strncpy", "strrchr", "strstr", "strtol", "time", "vfprintf", "vsnprintf",
    "__errno_location", "__assert_fail", "__main_void", "__stack_chk_fail",
  ]

  // MARK: Names

  private func shown(_ id: SymbolID) -> String { options.displayName(of: resolution.symbol(id).name) }

  private func place(_ id: SymbolID) -> String {
    let symbol = resolution.symbol(id)
    guard let unit = symbol.unit else { return " of an archive" }
    return " of \(resolution.units[unit].file.displayName)"
  }

  /// The last component of a mangled name as it was written, `nil` for a name that is not mangled.
  static func sourceName(of name: ByteString) -> String? {
    guard name.hasPrefix("_Z") || name.hasPrefix("_R"), var output = name.demangled else { return nil }
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

  private static func withoutUnderscores(_ name: ByteString) -> ByteReader {
    var bytes = name.bytes.drop { $0 == UInt8(ascii: "_") }
    while bytes.last == UInt8(ascii: "_") { bytes = bytes.dropLast() }
    return bytes
  }
}

extension ByteString {
  /// Whether it is a name that Rust mangled.
  fileprivate var isRustName: Bool {
    if hasPrefix("_R") { return true }
    // A legacy name ends in a hash of sixteen digits.
    let text = description
    return text.hasPrefix("_ZN") && text.hasSuffix("E") && text.dropLast().suffix(19).hasPrefix("17h")
  }
}

extension Unit {
  /// Whether a symbol only stands for one of the unit's imports.
  fileprivate func isImport(_ symbol: UnitSymbol) -> Bool {
    guard case .alias(let target) = symbol.meaning else { return false }
    return symbols[Int(target)].isUndefined
  }
}
