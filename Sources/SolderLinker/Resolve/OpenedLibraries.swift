import WebAssemblyFormat

// What libraries define that are there only to be opened (`--dl-openable`), and who means it.
//
// A loader opens a library into a scope of its own: what it defines is found by the handle, and by nobody else. Any number
// of plugins may define `plugin_init`, each with helpers of the same names. So their definitions have no names in the
// link. What such a library refers to is what a loader would find for it: what the program shows; else its own definition,
// whatever the program has of that name for itself. What it does not define is the program's, shown or not, as a program's
// memory allocator has to be one and comes from an archive; else that of a library that it needs. What none of these
// defines may still come from another library of the kind, if only one has it: that is how libraries find each other that
// are opened with RTLD_GLOBAL.
//
// What the program defines is known when all files have been added, since an archive's member may still come in. So
// references to what the library's own scope defines wait until then, and extract nothing.

/// The exports of libraries that are only opened.
struct OpenedLibraries {
  private struct Export {
    let name: NameNumber
    let library: Int
    let position: Int
  }

  /// Where a definition is: the library, and the position of its symbol.
  struct Place {
    let library: Int
    let position: Int
  }

  /// By name, then by library.
  private var exports: [Export] = []
  /// For each library, those in which its references are looked for, itself first.
  private var scopes: [[Int]] = []
  /// Their units, as far as they have been added, in the same order.
  private(set) var units: [UnitID] = []
  /// References to be bound when all files have been added: unit and position of the symbol.
  private(set) var waiting: [(unit: UnitID, position: Int)] = []

  init(_ modules: [InputModule]) {
    let opened = modules.filter(\.contracts.isOnlyOpened)
    guard !opened.isEmpty else { return }
    scopes = Self.scopes(of: opened)
    for (library, module) in opened.enumerated() {
      for (position, symbol) in module.symbols.enumerated() where !symbol.isLocal && !symbol.isUndefined {
        guard let name = module.nameNumbers[position].index else { continue }
        exports.append(Export(name: name, library: library, position: position))
      }
    }
    exports.sort { ($0.name, $0.library, $0.position) < ($1.name, $1.library, $1.position) }
  }

  /// Each library with those it needs, directly or not, as far as these are among them; nearest first.
  private static func scopes(of opened: [InputModule]) -> [[Int]] {
    let needs = opened.neededPositions()
    return opened.indices.map { library in library.withAllNeeded { needs[$0] } }
  }

  /// A library is about to be added.
  mutating func begin(_ unit: UnitID) { units.append(unit) }

  /// Lets a reference of the library that is being added wait.
  mutating func wait(_ position: Int, of unit: UnitID) { waiting.append((unit, position)) }

  private func library(of unit: UnitID) -> Int {
    // They are added in order.
    let library = units.indices.partitionPoint { units[$0] < unit }
    precondition(units[checked: library] == unit, "the library has been added")
    return library
  }

  /// The definitions of a name.
  private func definitions(of name: NameNumber) -> ArraySlice<Export> {
    let first = exports.indices.partitionPoint { exports[$0].name < name }
    let end = exports[first...].firstIndex { $0.name != name } ?? exports.count
    return exports[first..<end]
  }

  /// What a library means by a name, if it or a library that it needs defines it.
  func definition(of name: NameNumber, for unit: UnitID) -> Place? {
    let found = definitions(of: name)
    if found.isEmpty { return nil }
    for library in scopes[library(of: unit)] {
      if let export = found.first(where: { $0.library == library }) {
        return Place(library: library, position: export.position)
      }
    }
    return nil
  }

  /// The definitions of a name in whatever library, one of each.
  func allDefinitions(of name: NameNumber) -> [Place] {
    var result: [Place] = []
    for export in definitions(of: name) where result.last?.library != export.library {
      result.append(Place(library: export.library, position: export.position))
    }
    return result
  }
}

extension [InputModule] {
  /// For each library, the positions of those that its metadata names.
  func neededPositions() -> [[Int]] {
    var byName: [String: Int] = [:]
    for (position, module) in enumerated() { byName[module.file.baseName] = position }
    return map { module in
      (module.dylink?.needed ?? []).compactMap { byName[$0.description] }
    }
  }
}
