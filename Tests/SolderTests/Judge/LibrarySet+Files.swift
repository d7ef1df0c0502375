/// From a set to files.
extension LibrarySet {
  var files: [(name: String, builder: ModuleBuilder)] { files(forLoader: false) }

  /// - Parameter forLoader: whether functions that a linker only finds by name are there for a loader to call.
  func files(forLoader: Bool) -> [(name: String, builder: ModuleBuilder)] {
    var result: [(name: String, builder: ModuleBuilder)] = []
    for library in libraries where !library.isRemoved {
      var writer = LibraryWriter(set: self, library: library)
      if forLoader { writer.library.threadSetUp = .exported }
      result.append((library.name, writer.write()))
    }
    if let program {
      var writer = LibraryWriter(set: self, library: Library(name: "program.wasm"))
      result.append(("program.wasm", writer.write(program)))
    }
    return result
  }

  /// Names of data that are numbers, as far as they are defined.
  var numberNames: [String] {
    let own = libraries.filter { !$0.isRemoved }.flatMap { library in
      library.exports.filter { library.cells[$0.cell].isNumber }.map(\.name)
    }
    return own + dataAliases.filter { own.contains(dataEnd($0.key)) }.keys
  }

  /// What names of data that libraries pass on stand for.
  var dataAliases: [String: String] {
    Dictionary(
      libraries.filter { !$0.isRemoved }.flatMap { library in library.dataReexports.map { ($0.name, $0.of) } },
      uniquingKeysWith: { first, _ in first })
  }

  private func dataEnd(_ name: String) -> String { dataAliases[name].map(dataEnd) ?? name }

  var functionNames: [String] {
    libraries.filter { !$0.isRemoved }.flatMap { $0.functions.flatMap(\.exports) + $0.reexports.map(\.name) }
  }

  /// The words of the command line, with files by name.
  var words: [String] {
    var words = options
    if is64 { words.append("-mwasm64") }
    for name in Set(functionNames + numberNames).sorted() { words.append("--export=\(name)") }
    let left = libraries.filter { !$0.isRemoved }
    if left.contains(where: { $0.destructor != nil }) { words.append("--export=__wasm_call_dtors") }
    if isThreaded {
      words += ["--import-memory", "--shared-memory", "--max-memory=16777216", "--export=__wasm_init_tls"]
    }
    let names = order.filter { !libraries[$0].isRemoved }.map { libraries[$0].name }
    guard let program else { return words + ["--no-entry"] + names }
    return words + (program.isFirst ? ["program.wasm"] + names : names + ["program.wasm"])
  }
}
