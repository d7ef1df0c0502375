import WebAssemblyFormat

// In which order libraries start.
//
// A library starts behind those it needs. It says which these are (`needed` in its `dylink` section), or only shows it
// by importing what another one exports; both count. What it exports itself under the name of an import is no need: every
// library has a copy of an inline function or of a template's instance, and whichever is chosen can do the work.
//
// Whole modules that import from each other are instantiated in the same way, each behind those whose name it imports from,
// and those in the order of the command line; what they state is all the engine goes by, so a circle of them stays in that
// order too.
//
// Libraries that need each other in a circle, directly or not, form a group. No order inside it is right for all, so it
// is the one that native loaders have: depth first along `needed`, from the library by which the group was reached.
// Everything outside the group still starts before all of it or behind all of it. So this is the decomposition of a
// graph into its strongly connected components, which comes out with those that are needed first (Tarjan, Depth-first
// search and linear graph algorithms, 1972); in time it is linear in what is stated.

/// Which libraries a library needs, by their numbers, in the order in which it states them.
struct LibraryNeeds {
  /// Those that its metadata names.
  var declared: [Int] = []
  /// Those that define what it imports.
  var used: [Int] = []
}

/// Orders libraries so that each stands behind those it needs; see the comment at the head of the file.
struct LibraryOrder {
  private let needs: [LibraryNeeds]
  /// When each library was reached, counted from 1; 0 for those that have not been.
  private var reached: [Int]
  /// The earliest library that each can reach and that is not in a finished group.
  private var earliest: [Int]
  private var isPlaced: [Bool]
  private var count = 0
  /// Libraries that were reached and are not in a finished group.
  private var open: [Int] = []
  private var groups: [[Int]] = []

  private init(_ needs: [LibraryNeeds]) {
    self.needs = needs
    reached = Array(repeating: 0, count: needs.count)
    earliest = reached
    isPlaced = Array(repeating: false, count: needs.count)
  }

  /// The numbers of libraries in the order in which they start.
  ///
  /// - Complexity: linear in the libraries and their needs.
  static func sorted(_ needs: [LibraryNeeds]) -> [Int] { Array(grouped(needs).joined()) }

  /// The same, divided into groups of those that need each other.
  static func grouped(_ needs: [LibraryNeeds]) -> [[Int]] {
    var order = LibraryOrder(needs)
    for library in needs.indices where order.reached[library] == 0 { order.visit(from: library) }
    return order.groups
  }

  private func need(_ library: Int, _ position: Int) -> Int? {
    let own = needs[library]
    if position < own.declared.count { return own.declared[position] }
    let position = position - own.declared.count
    return position < own.used.count ? own.used[position] : nil
  }

  private mutating func reach(_ library: Int) {
    count += 1
    reached[library] = count
    earliest[library] = count
    open.append(library)
  }

  private mutating func visit(from root: Int) {
    reach(root)
    var path: [(library: Int, next: Int)] = [(root, 0)]
    while let (library, next) = path.last {
      if let other = need(library, next) {
        path[path.count - 1].next += 1
        if reached[other] == 0 {
          reach(other)
          path.append((other, 0))
        } else if !isPlaced[other] {
          earliest[library] = min(earliest[library], reached[other])
        }
        continue
      }
      path.removeLast()
      if let (parent, _) = path.last { earliest[parent] = min(earliest[parent], earliest[library]) }
      if earliest[library] == reached[library] { place(groupFrom: library) }
    }
  }

  /// Everything that was reached behind `first` and is in no group yet is in its.
  private mutating func place(groupFrom first: Int) {
    guard let start = open.lastIndex(of: first) else { return }
    let group = open[start...]
    open.removeSubrange(start...)
    if group.count == 1 {
      isPlaced[first] = true
      groups.append([first])
      return
    }
    groups.append([])
    // The others in the order in which the command line has them, and all where no member says that it needs another.
    var members: Set<Int> = Set(group)
    let declares = group.contains { !members.isDisjoint(with: needs[$0].declared) }
    let roots = declares ? [first] + group.dropFirst().sorted() : group.sorted()
    for root in roots where members.contains(root) { place(root, within: &members) }
  }

  /// Depth first along what is declared. Members that remain have not been reached.
  private mutating func place(_ root: Int, within members: inout Set<Int>) {
    members.remove(root)
    var path: [(library: Int, next: Int)] = [(root, 0)]
    while let (library, next) = path.last {
      if next < needs[library].declared.count {
        path[path.count - 1].next += 1
        let other = needs[library].declared[next]
        if members.remove(other) != nil { path.append((other, 0)) }
      } else {
        path.removeLast()
        isPlaced[library] = true
        groups[groups.count - 1].append(library)
      }
    }
  }
}

/// What an export is found by.
private struct ExportKey: Hashable {
  /// The name of its module, if that has one.
  let module: ByteString?
  let kind: ExternalKind
  let name: ByteString
}

extension Resolution {
  /// The shared libraries of the link in the order in which they start.
  func librariesInStartOrder() -> [Unit] { inStartOrder(inLinkOrder.filter { $0.contracts.isSetUpByExports }) }

  /// The shared libraries of the link in the order in which they start, divided into groups of those that need each
  /// other; and those that each needs.
  func libraryGroups() -> (groups: [[Unit]], needs: [UnitID: [UnitID]]) {
    let units = inLinkOrder.filter { $0.contracts.isSetUpByExports }
    let needs = needs(of: units)
    var named: [UnitID: [UnitID]] = [:]
    for (unit, own) in zip(units, needs) { named[unit.index] = (own.declared + own.used).map { units[$0].index } }
    return (LibraryOrder.grouped(needs).map { $0.map { units[$0] } }, named)
  }

  /// The whole modules of the link in the order in which they start.
  func modulesInStartOrder() -> [Unit] { inStartOrder(inLinkOrder.filter { $0.contracts.keepsEntry }) }

  private func inStartOrder(_ units: [Unit]) -> [Unit] {
    units.count < 2 ? units : LibraryOrder.sorted(needs(of: units)).map { units[$0] }
  }

  private func needs(of libraries: [Unit]) -> [LibraryNeeds] {
    // Of several inputs with one name an import means the first that has what it asks for. What a module without a name
    // exports is there for all that import from `env`, though it may only pass it on.
    var exporters: [ExportKey: Int] = [:]
    for (position, unit) in libraries.enumerated() where unit.contracts.keepsEntry || unit.moduleName != nil {
      for export in unit.exports {
        let key = ExportKey(module: unit.moduleName, kind: export.kind, name: export.name)
        if exporters[key] == nil { exporters[key] = position }
      }
    }
    var byName: [String: Int] = [:]
    var byUnit = [Int?](repeating: nil, count: units.count)
    for (position, unit) in libraries.enumerated() {
      byName[unit.file.baseName] = position
      byUnit[Int(unit.index)] = position
    }
    // A library that many need is looked up once.
    var found: [ByteString: Int?] = [:]
    var lastUser = [Int](repeating: -1, count: libraries.count)
    // By the number of a name, and behind all of them for those without one: the last library that exports it.
    var lastExporter = [Int32](repeating: -1, count: table.numberLimit + 1)
    return libraries.enumerated().map { position, unit in
      var result = LibraryNeeds()
      for name in unit.dylink?.needed ?? [] {
        let other = found[name] ?? byName[name.description]
        found[name] = .some(other)
        if let other, other != position { result.declared.append(other) }
      }
      let numbers = unit.nameNumbers.map { $0.index.map { Int($0) } ?? lastExporter.count - 1 }
      for (index, symbol) in unit.symbols.enumerated()
      where !symbol.isUndefined && !symbol.isLocal && symbol.aliased == nil {
        lastExporter[numbers[index]] = Int32(position)
      }
      for (index, symbol) in unit.symbols.enumerated()
      where symbol.isUndefined && (symbol.isLocal || lastExporter[numbers[index]] != position) {
        let target = self.symbol(unit.symbolIDs[SymbolIndex(index)])
        guard target.isDefined, let other = byUnit[Int(target.definer)], other != position, lastUser[other] != position
        else { continue }
        lastUser[other] = position
        result.used.append(other)
      }
      func use(_ other: Int?) {
        guard let other, other != position, lastUser[other] != position else { return }
        lastUser[other] = position
        result.used.append(other)
      }
      for entry in exporters.isEmpty ? [] : unit.imports {
        use(exporters[ExportKey(module: entry.module, kind: entry.kind, name: entry.name)])
        if entry.module == "env" { use(exporters[ExportKey(module: nil, kind: entry.kind, name: entry.name)]) }
      }
      if unit.contracts.keepsEntry { result.used.sort() }
      return result
    }
  }
}

extension Unit {
  /// What it imports.
  fileprivate var imports: [(module: ByteString, kind: ExternalKind, name: ByteString)] {
    functionImports.map { ($0.module, .function, $0.name) }
      + [tableImports, memoryImports, globalImports, tagImports].flatMap { $0.map { ($0.module, $0.kind, $0.name) } }
  }
}

extension Hashable {
  /// A library with those that it needs, directly or not; nearest first.
  ///
  /// - Parameter needs: those that a library says it needs.
  func withAllNeeded(_ needs: (Self) -> [Self]) -> [Self] {
    var all = [self]
    var isIn: Set<Self> = [self]
    var next = 0
    while next < all.count {
      for other in needs(all[next]) where isIn.insert(other).inserted { all.append(other) }
      next += 1
    }
    return all
  }
}
