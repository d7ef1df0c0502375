import WebAssemblyFormat

// Which memory each memory of each unit is.
//
// A memory has no name in the link's table of symbols, and an index means one only inside its unit. So for every entry
// of a unit's index space of memories this is decided once, here, and every later pass reads it: numbering, layout, code,
// data, exports.
//
//  - What a plain module or a library defines is a memory of its own, also if it is the second one of the unit.
//  - What it imports from a module of the name of an input (`NAME=FILE`) is that input's export, which may be an import
//    of that input in turn, and so on to the end. An import that leads to itself is an error.
//  - `env` is the name space of the link: a module that imports `env.memory` gets the memory that another module exports
//    under that name, wherever the two stand on the command line. A module without a name comes before one that has a
//    name, and that before a library (whose own memory is never `env.memory`). What a module exports that it imports itself under that name is no definition of it.
//  - Everything else stays an import from the host. The same module and name is the same memory, whoever asks for it.
//
// One of the memories is the main memory: objects do not say which memory they mean, shared libraries say `env.memory`,
// and what the linker places is placed there. It is what `env.memory` is; or else that of a plain module without a name,
// or of one with a name; or else a new memory of the linker's. If several modules could have it, nobody can tell which
// was meant, and that is an error as soon as something needs it.
//
// Imports come before definitions in an index space, so the main memory is not always memory 0 of the result. Modules
// whose memory 0 is another one in the result have their accesses rewritten to name it; objects cannot have that.

/// A memory of a unit, in the index space of the unit.
struct MemoryReference: Hashable {
  var unit: UnitID
  var index: MemoryIndex
}

/// The two names of an import.
struct HostName: Hashable {
  var module: ByteString
  var name: ByteString
}

/// A memory of the result. Without a definition and an import, it is one that the linker makes.
struct BoundMemory {
  /// The unit's memory that it is.
  var definition: MemoryReference?
  /// What it is imported as from the host.
  fileprivate(set) var hostName: HostName?
  /// What the definition, or all imports together, declare; `nil` for the linker's own.
  fileprivate(set) var limits: Limits?
  /// The memories of units that it is, the definition among them.
  fileprivate(set) var users: [MemoryReference] = []
  /// The smallest maximum that an import of it states, in pages: it must not become larger.
  fileprivate(set) var largestForImporters: UInt64?

  var isImported: Bool { hostName != nil }
}

/// The memories of the result, and which of them each memory of each unit is.
struct MemoryBinding {
  /// By index in the result.
  private(set) var memories: [BoundMemory] = []
  /// How many of them are imported.
  private(set) var importCount = 0
  /// The index of the memory of objects, libraries and the linker; `nil` when nothing needs one.
  private(set) var main: OutputMemoryIndex?
  /// By unit, for each of its memories the index in the result.
  private var indices: [[OutputMemoryIndex]] = []

  /// The index in the result of a unit's memory.
  func index(of memory: MemoryIndex, in unit: Unit) -> OutputMemoryIndex { indices[Int(unit.index)][Int(memory)] }

  /// The indices in the result of all memories of a unit.
  func indices(in unit: UnitID) -> [OutputMemoryIndex] { indices[Int(unit)] }

  func indices(in unit: Unit) -> [OutputMemoryIndex] { indices(in: unit.index) }

  /// Whether memory 0 of a finished module is another memory of the result, so that its accesses must name it.
  func movesFirstMemory(of unit: UnitID) -> Bool { indices[Int(unit)].first.map { $0 != .first } ?? false }

  /// The main memory, if there is one.
  var mainMemory: BoundMemory? { main.map { memories[Int($0)] } }
}

/// Decides the ``MemoryBinding``; see the comment at the head of the file.
struct MemoryBindingPass {
  /// What a memory of a unit is found to be.
  private enum Target: Equatable {
    case unknown
    /// Being followed: whoever meets it has come back to it.
    case begun
    case definition(MemoryReference)
    case host(HostName)
    /// The main memory, whatever that is.
    case main
  }

  private let units: [InputModule]
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let names: NameArena
  private var named: [ByteString: [UnitID]] = [:]
  /// What units export under a name, in their order; and the first under a name of what has a module name.
  private var exports: [ByteString: [MemoryReference]] = [:]
  private var namedExports: [HostName: MemoryReference] = [:]
  private var targets: [[Target]]

  /// - Parameter units: all units by their index; the linker's own may be among them.
  init(_ units: [InputModule], _ options: LinkOptions, _ names: NameArena, _ diagnostics: Diagnostics) {
    self.units = units
    self.options = options
    self.names = names
    self.diagnostics = diagnostics
    targets = units.map { unit in
      Array(
        repeating: .unknown, count: unit.contracts.numbersMemories ? unit.memoryImports.count + unit.memories.count : 0)
    }
    for (index, unit) in units.enumerated() {
      if let name = unit.moduleName { named[name, default: []].append(UnitID(index)) }
      guard unit.contracts.numbersMemories else { continue }
      for export in unit.exports {
        guard let memory = export.memory else { continue }
        let reference = MemoryReference(unit: UnitID(index), index: memory)
        exports[export.name, default: []].append(reference)
        guard let module = unit.moduleName else { continue }
        let name = HostName(module: module, name: export.name)
        if namedExports[name] == nil { namedExports[name] = reference }
      }
    }
  }

  consuming func run() -> MemoryBinding {
    for unit in units.indices {
      for index in targets[unit].indices { follow(MemoryReference(unit: UnitID(unit), index: MemoryIndex(index))) }
    }
    if diagnostics.hasErrors { return MemoryBinding(unbound: targets.map(\.count)) }
    return assemble()
  }

  // MARK: Following imports

  /// What is to be found of a memory.
  private enum Step {
    case end(Target)
    /// What it is by what these are, all of which have to be the same.
    case others([MemoryReference])
  }

  /// Follows an import to its end, through any number of units.
  private mutating func follow(_ memory: MemoryReference) {
    var path = [memory]
    while let current = path.last {
      let (unit, index) = (Int(current.unit), Int(current.index))
      switch targets[unit][index] {
      case .unknown: targets[unit][index] = .begun
      case .begun: break
      default:
        path.removeLast()
        continue
      }
      switch step(from: current) {
      case .end(let target): targets[unit][index] = target
      case .others(let others):
        if let next = others.first(where: { target(of: $0) == .unknown }) {
          path.append(next)
          continue
        }
        for other in others where target(of: other) == .begun { reportCycle(path.drop { $0 != other }) }
        let ends = others.map { end(of: $0) }
        if let other = ends.indices.first(where: { ends[$0] != ends[0] }) {
          reportAmbiguity(current, others[0], others[other])
        }
        targets[unit][index] = ends[0]
      }
    }
  }

  private func target(of memory: MemoryReference) -> Target { targets[Int(memory.unit)][Int(memory.index)] }

  /// What was found of a memory; of one that is still looked for, what it says itself.
  private func end(of memory: MemoryReference) -> Target {
    let target = target(of: memory)
    return target == .begun ? .host(units[Int(memory.unit)].memoryImports[Int(memory.index)].hostName) : target
  }

  private func step(from memory: MemoryReference) -> Step {
    let unit = units[Int(memory.unit)]
    guard Int(memory.index) < unit.memoryImports.count else { return .end(.definition(memory)) }
    let entry = unit.memoryImports[Int(memory.index)]
    if memory.index == unit.contracts.programMemory { return .end(.main) }
    if let others = named[entry.module] {
      if let found = namedExports[entry.hostName] { return .others([found]) }
      if entry.module != "env" || unit.contracts.takesEnvForModule {
        if !options.importUndefined { reportMissing(entry.name, from: entry.module, others, in: unit) }
        return .end(.host(entry.hostName))
      }
    }
    guard entry.module == "env", !unit.contracts.takesEnvForModule else { return .end(.host(entry.hostName)) }
    let found = exporters(of: entry.name, except: memory.unit)
    return found.isEmpty ? .end(.host(entry.hostName)) : .others(found)
  }

  private func reportAmbiguity(_ memory: MemoryReference, _ first: MemoryReference, _ other: MemoryReference) {
    let entry = units[Int(memory.unit)].memoryImports[Int(memory.index)]
    diagnostics.error(
      "\(name(memory.unit)): memory \(entry.name) of env could be that of \(name(first.unit)) or that of "
        + "\(name(other.unit)) (name the one that is meant env=FILE)", .ambiguousName, symbol: entry.name,
      in: name(memory.unit), name(first.unit), name(other.unit))
  }

  /// Memories that are exported under a name of `env`: those of modules without a name, or else of the others, or else the
  /// first library's; but the program's is none of a library.
  private func exporters(of name: ByteString, except importer: UnitID?) -> [MemoryReference] {
    var found: [[MemoryReference]] = [[], [], []]
    for memory in exports[name] ?? [] where memory.unit != importer {
      let unit = units[Int(memory.unit)]
      let isLibrary = !unit.contracts.keepsMemory
      if isLibrary, name == "memory" || !found[2].isEmpty { continue }
      // Passing on what it imports under this name defines nothing.
      if let entry = unit.memoryImports[checked: Int(memory.index)], entry.module == "env", entry.name == name {
        continue
      }
      found[isLibrary ? 2 : unit.moduleName == nil ? 0 : 1].append(memory)
    }
    return found.first { !$0.isEmpty } ?? []
  }

  private func name(_ unit: UnitID) -> String { units[Int(unit)].file.displayName }

  private func reportMissing(_ name: ByteString, from module: ByteString, _ others: [UnitID], in unit: InputModule) {
    diagnostics.error(
      "\(unit.file.displayName): undefined symbol: \(name) (imported from module '\(module)', which is "
        + "\(self.name(others[0])); it exports no memory of that name)", .undefinedSymbol, symbol: name,
      in: unit.file.displayName)
  }

  private func reportCycle(_ cycle: ArraySlice<MemoryReference>) {
    let first = cycle[cycle.startIndex]
    let entry = units[Int(first.unit)].memoryImports[Int(first.index)]
    let steps = cycle.map { memory in
      let entry = units[Int(memory.unit)].memoryImports[Int(memory.index)]
      return "\n>>> \(name(memory.unit)) imports it as \(entry.module).\(entry.name)"
    }
    diagnostics.error(
      "\(name(first.unit)): memory '\(entry.name)' is defined as an import of itself" + steps.joined(), .circularImport,
      symbol: entry.name, in: name(first.unit))
  }

  // MARK: Putting them together

  private func assemble() -> MemoryBinding {
    var result = MemoryBinding.Builder(units: units, diagnostics)
    if let main = mainMemory() { result.addMain(main, importedAs: importName) }
    for unit in units.indices {
      for (index, target) in targets[unit].enumerated() {
        let memory = MemoryReference(unit: UnitID(unit), index: MemoryIndex(index))
        switch target {
        case .definition(let definition): result.bind(memory, to: .definition(definition))
        case .host(let name): result.bind(memory, to: .host(name))
        case .main: result.bind(memory, to: .main)
        case .unknown, .begun: break
        }
      }
    }
    let binding = result.finish()
    checkFirst(binding)
    return binding
  }

  /// What the command line wants the main memory imported as.
  private var importName: HostName? {
    options.memoryImport.map { HostName(module: names.intern($0.module), name: names.intern($0.name)) }
  }

  /// Code of objects, and of the linker, means memory 0 without saying so.
  private func checkFirst(_ binding: MemoryBinding) {
    guard let main = binding.main, main != .first else { return }
    let object = units.first { $0.contracts.expectsConventions }
    guard object != nil || options.sharedMemory else { return }
    let other = binding.memories[0].users.first.map { name($0.unit) } ?? "<internal>"
    diagnostics.error(
      "\(object?.file.displayName ?? "<internal>"): uses memory 0, but the memory of the program comes behind the one "
        + "that \(other) imports (import it as well: --import-memory)", .memory,
      in: object?.file.displayName ?? "<internal>", other)
  }

  /// Whether something is in the link that has no memory of its own to mean.
  private var needsMainMemory: Bool {
    units.contains(where: \.contracts.needsMainMemory)
  }

  private func mainMemory() -> MemoryBinding.Key? {
    let isNeeded = needsMainMemory
    if let (key, owners) = plainMainMemory() {
      if isNeeded, owners.count > 1 {
        diagnostics.error(
          "\(name(owners[0])): its memory or that of \(name(owners[1])) could be the one that objects and libraries use "
            + "(name the one that is meant env=FILE)", .ambiguousName, in: name(owners[0]), name(owners[1]))
      }
      return key
    }
    return isNeeded || !units.contains { $0.contracts.keepsMemory } ? .main : nil
  }

  /// The main memory as plain modules say it, and the modules that could mean different ones.
  private func plainMainMemory() -> (MemoryBinding.Key, owners: [UnitID])? {
    let host = HostName(module: ByteString("env"), name: ByteString("memory"))
    let fromNamed = namedExports[host].map { [$0] }
    let exported = fromNamed ?? exporters(of: host.name, except: nil)
    if !exported.isEmpty { return choose(exported) }
    for (unit, targets) in zip(units, targets) where unit.contracts.keepsMemory {
      for case .host(host) in targets { return (.host(host), []) }
    }
    for isNamed in [false, true] {
      let firsts = units.indices.filter { unit in
        units[unit].contracts.keepsMemory && (units[unit].moduleName != nil) == isNamed && !targets[unit].isEmpty
      }
      if !firsts.isEmpty { return choose(firsts.map { MemoryReference(unit: UnitID($0), index: .first) }) }
    }
    return nil
  }

  private func choose(_ memories: [MemoryReference]) -> (MemoryBinding.Key, owners: [UnitID])? {
    let first = target(of: memories[0])
    let other = memories.first { target(of: $0) != first }
    let owners = [memories[0].unit] + (other.map { [$0.unit] } ?? [])
    switch first {
    case .definition(let definition): return (.definition(definition), owners)
    case .host(let name): return (.host(name), owners)
    default: return nil
    }
  }
}

extension Import {
  var hostName: HostName { HostName(module: module, name: name) }
}

extension MemoryBinding {
  /// What stands in for a binding that could not be made; the link ends with errors.
  fileprivate init(unbound counts: [Int]) { indices = counts.map { Array(repeating: .first, count: $0) } }

  /// What a memory of the result is known by.
  fileprivate enum Key: Hashable {
    case main
    case host(HostName)
    case definition(MemoryReference)
  }

  /// Collects the memories of the result and gives them their order.
  fileprivate struct Builder {
    private let units: [InputModule]
    private let diagnostics: Diagnostics
    private var memories: [BoundMemory] = []
    private var positions: [Key: Int] = [:]
    private var bound: [[Int]]

    init(units: [InputModule], _ diagnostics: Diagnostics) {
      self.units = units
      self.diagnostics = diagnostics
      bound = units.map {
        Array(repeating: 0, count: $0.contracts.numbersMemories ? $0.memoryImports.count + $0.memories.count : 0)
      }
    }

    mutating func addMain(_ key: Key, importedAs name: HostName?) {
      let position = add(key)
      positions[.main] = position
      if memories[position].hostName == nil { memories[position].hostName = name }
    }

    private mutating func add(_ key: Key) -> Int {
      if let position = positions[key] { return position }
      positions[key] = memories.count
      switch key {
      case .main: memories.append(BoundMemory())
      case .host(let name): memories.append(BoundMemory(hostName: name))
      case .definition(let definition):
        memories.append(BoundMemory(definition: definition, limits: limits(of: definition)))
      }
      return memories.count - 1
    }

    private func limits(of memory: MemoryReference) -> Limits { units[Int(memory.unit)].memoryLimits(memory.index) }

    mutating func bind(_ memory: MemoryReference, to key: Key) {
      let position = add(key)
      bound[Int(memory.unit)][Int(memory.index)] = position
      let declared = limits(of: memory)
      switch key {
      case .main: break  // The library's block is placed there, and room is made for it.
      case .host: join(memory, declared, at: position)
      case .definition(memory): break
      case .definition(let definition):
        check(memory, declared, against: definition)
        if let maximum = declared.maximum {
          memories[position].largestForImporters = min(memories[position].largestForImporters ?? maximum, maximum)
        }
      }
      memories[position].users.append(memory)
    }

    /// Several imports of one name are one memory of the host, which has to be what each of them asks for.
    private mutating func join(_ memory: MemoryReference, _ declared: Limits, at position: Int) {
      guard var limits = memories[position].limits else {
        memories[position].limits = declared
        return
      }
      limits.minimum = max(limits.minimum, declared.minimum)
      if let maximum = declared.maximum { limits.maximum = min(limits.maximum ?? maximum, maximum) }
      memories[position].limits = limits
      if limits.hasSameForm(as: declared), limits.minimum <= limits.maximum ?? .max { return }
      let others = memories[position].users.filter { units[Int($0.unit)].contracts.keepsMemory }
      report(
        memory, declared, others.map { "imported as \(self.limits(of: $0).memoryText) in \(name(of: $0))" })
    }

    private func check(_ memory: MemoryReference, _ declared: Limits, against definition: MemoryReference) {
      let defined = limits(of: definition)
      if defined.satisfies(declared) { return }
      report(memory, declared, ["defined as \(defined.memoryText) in \(name(of: definition))"])
    }

    private func report(_ memory: MemoryReference, _ declared: Limits, _ others: [String]) {
      let entry = units[Int(memory.unit)].memoryImports[Int(memory.index)]
      let lines = ["imported as \(declared.memoryText) in \(name(of: memory))"] + others
      diagnostics.error(
        "memory type mismatch: \(entry.module).\(entry.name)" + lines.map { "\n>>> " + $0 }.joined(), .typeMismatch,
        symbol: entry.name)
    }

    private func name(of memory: MemoryReference) -> String { units[Int(memory.unit)].file.displayName }

    /// Imports come first; among them, and among definitions, the main memory does.
    func finish() -> MemoryBinding {
      let order = memories.indices.sorted { one, other in
        let (first, second) = (memories[one].isImported, memories[other].isImported)
        return first == second ? one < other : first
      }
      var numbers = [OutputMemoryIndex](repeating: .first, count: order.count)
      for (number, position) in order.enumerated() { numbers[position] = OutputMemoryIndex(number) }
      var result = MemoryBinding(unbound: [])
      result.memories = order.map { memories[$0] }
      result.importCount = memories.count(where: \.isImported)
      result.main = positions[.main].map { numbers[$0] }
      result.indices = bound.map { $0.map { numbers.isEmpty ? .first : numbers[$0] } }
      return result
    }
  }
}

extension Limits {
  /// Bytes of a page.
  var pageSize: UInt64 { 1 << UInt64(pageSizeLog2 ?? 16) }

  /// A memory's type in the text format.
  var memoryText: String {
    var text = is64 ? "(memory i64 \(minimum)" : "(memory \(minimum)"
    if let maximum { text += " \(maximum)" }
    if isShared { text += " shared" }
    if let pageSizeLog2, pageSizeLog2 != 16 { text += " (pagesize \(1 << UInt64(pageSizeLog2)))" }
    return text + ")"
  }
}
