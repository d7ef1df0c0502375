import WebAssemblyFormat

// Reading members of archives before it is their turn.
//
// Which members a link needs, and in which order, is decided while names are resolved, by one thread. But it is easily
// guessed: nearly all that define a name that another file misses. All threads read those beforehand, in rounds: what
// the units miss, then what that misses, and so on.
//
// A wrong guess costs time and changes nothing: a unit that nobody asks for stays where it is, and a member that cannot
// be read is read again if it is needed after all, by whoever then reports why.

/// Reads lazy files that will probably be needed.
struct ReadAhead {
  private let threads: Threads
  private var lazyFiles: [LazyFile]
  /// The first lazy file that defines a name, by the name's number.
  private let definers: Row<LinkNames, PackedIndex<LinkLazyFiles>>
  private var isWanted: [Bool]

  private init(_ lazyFiles: [LazyFile], _ names: NameRegister, _ threads: Threads) {
    self.threads = threads
    self.lazyFiles = lazyFiles
    isWanted = Array(repeating: false, count: lazyFiles.count)
    var definers = Row<LinkNames, PackedIndex<LinkLazyFiles>>(repeating: .none, count: names.numberLimit)
    for (index, file) in lazyFiles.enumerated() {
      let definer = PackedIndex(LazyFileID(index))
      for number in file.source.nameNumbers[file.symbols] where definers[number] == .none {
        definers[number] = definer
      }
    }
    self.definers = definers
  }

  /// Gives lazy files that will probably be needed their units.
  ///
  /// - Parameter roots: names that the command line asks for.
  static func run(_ inputs: inout Inputs, roots: [ByteString], _ threads: Threads) {
    guard !inputs.lazyFiles.isEmpty else { return }
    var pass = ReadAhead(inputs.lazyFiles, inputs.names, threads)
    inputs.lazyFiles = []
    pass.read(
      pass.files(missedBy: inputs.units)
        + roots.compactMap { [names = inputs.names, definers = pass.definers] in
          names.find($0).flatMap { definers[checked: $0]?.index }
        })
    inputs.lazyFiles = pass.lazyFiles
    for case let unit? in inputs.lazyFiles.map(\.unit) { inputs.symbolCount += unit.symbols.count }
  }

  /// The lazy files that define what units refer to, some of them several times.
  private func files(missedBy units: [InputModule]) -> [LazyFileID] {
    threads.map(units.count, batch: 16) { [definers] in ReadAhead.files(missedBy: units[$0], definers) }.flatMap { $0 }
  }

  private static func files(
    missedBy unit: InputModule, _ definers: Row<LinkNames, PackedIndex<LinkLazyFiles>>
  ) -> [LazyFileID] {
    guard unit.origin != .neededLibrary else { return [] }
    var result: [LazyFileID] = []
    let nameNumbers = unit.nameNumbers
    for (index, symbol) in unit.symbols.enumerated() where symbol.isUndefined && !symbol.isWeak && !symbol.isLocal {
      if let file = nameNumbers[index].index.flatMap({ definers[checked: $0]?.index }) { result.append(file) }
    }
    return result
  }

  /// Reads files, those that they need, and so on.
  private mutating func read(_ files: [LazyFileID]) {
    var wanted = files
    while true {
      var round: [Int] = []
      for file in wanted where !isWanted[Int(file)] {
        isWanted[Int(file)] = true
        round.append(Int(file))
      }
      if round.isEmpty { return }
      // A chain of members has as many rounds, so one may cost no more than what it reads.
      let files = round.map { lazyFiles[$0] }
      let results = threads.map(round.count, batch: 4) {
        [definers] position -> (unit: InputModule?, wanted: [LazyFileID]) in
        let file = files[position]
        guard let unit = file.unit ?? file.source.read(file.member, isSilent: true) else { return (nil, []) }
        return (unit, ReadAhead.files(missedBy: unit, definers))
      }
      for (index, result) in zip(round, results) { lazyFiles[index].unit = result.unit }
      wanted = results.flatMap(\.wanted)
    }
  }
}
