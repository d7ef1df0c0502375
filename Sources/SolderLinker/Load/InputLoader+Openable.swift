import WebAssemblyFormat

// Libraries that the program opens while it runs (`--dl-openable`).
//
// They come behind all inputs, and so do the libraries that only they need: the program has what it refers to before
// these are looked at. A library that is an input as well, or that an input needs, stays what it is, and can be opened too.
extension InputLoader {
  mutating func addOpenableLibraries() {
    guard options.contract.standsAlone else {
      diagnostics.error("--dl-openable is for programs: it may not be used with -r, -pie or -shared", .commandLine)
      return
    }
    isOpening = true
    defer { isOpening = false }
    let first = sources.count
    for library in options.openableLibraries {
      guard let (index, name) = addOpenable(library) else { continue }
      let file = sources[index].file
      guard sources[index].kind == .sharedLibrary else {
        reportUnopenable(sources[index])
        continue
      }
      if name == "" {
        diagnostics.error("--dl-openable: \(file.displayName) has an empty name", .commandLine, in: file.displayName)
      }
      let opening = sources[index].opening ?? Opening(names: [], isOnly: false, constructs: false)
      let added = names.intern(name)
      sources[index].opening = opening
      if !opening.names.contains(added) { sources[index].opening?.names.append(added) }
    }
    addNeededLibraries(of: first)
    if options.opensAllLibraries { openAllLibraries() }
    checkNames()
  }

  private mutating func openAllLibraries() {
    for index in sources.indices
    where sources[index].kind == .sharedLibrary && sources[index].opening?.names.isEmpty ?? true {
      let isOnly = sources[index].opening?.isOnly ?? false
      sources[index].opening = Opening(
        names: [names.intern(sources[index].file.baseName)], isOnly: isOnly,
        constructs: sources[index].opening?.constructs ?? false)
    }
  }

  private func reportUnopenable(_ source: Source) {
    let what =
      switch source.kind {
      case .archive, .thinArchive: "an archive"
      case .object: "an object"
      case .plainModule: "a whole module"
      case .stubLibrary: "a stub library"
      default: "no shared library"
      }
    let hint =
      switch source.kind {
      case .archive, .thinArchive, .object: " (make a shared library of it with -shared)"
      default: ""
      }
    let name = source.file.displayName
    diagnostics.error(
      "--dl-openable: \(name) is \(what), and only a shared library can be opened\(hint)", .foreignFile, in: name)
  }

  private func checkNames() {
    var owners: [ByteString: InputFile] = [:]
    for source in sources {
      for name in source.opening?.names ?? [] {
        guard let other = owners.updateValue(source.file, forKey: name) else { continue }
        diagnostics.error(
          "two libraries can be opened as '\(name)'\n>>> \(other.displayName)\n>>> \(source.file.displayName)"
            + "\n>>> give them names: --dl-openable=NAME=FILE", .ambiguousName, symbol: name,
          in: other.displayName, source.file.displayName)
      }
    }
  }
}
