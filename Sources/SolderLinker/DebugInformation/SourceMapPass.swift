import SystemPackage
import WebAssemblyFormat

/// Joins the source maps of all finished modules that have one into a map of the result.
///
/// A module names its map in a custom section, as a file beside it or as the bytes themselves, or it is given on the command
/// line. Only asked for a map of the result does anybody look.
struct SourceMapPass {
  private let program: Program
  private let code: CodePlan
  private let maps: BodyMaps
  private let diagnostics: Diagnostics
  /// Where the payload of the code section begins in the result.
  private let payload: Int

  init(
    _ program: Program, _ code: CodePlan, _ layout: ImageLayout, _ diagnostics: Diagnostics, _ threads: Threads
  ) {
    self.program = program
    self.code = code
    self.diagnostics = diagnostics
    let section = layout.code.map { layout.sections[Int($0)] }
    payload = section.map { $0.offset + $0.size - Int(clamping: code.payloadSize) } ?? 0
    let isAsked = program.resolution.units.map { $0.contracts.isRecovered }
    maps = BodyMaps(program, code, of: isAsked, threads)
  }

  /// Writes the map that the options ask for.
  ///
  /// - Returns: the files that were read for it, each once.
  func write() -> [String] {
    guard let path = program.options.sourceMapFile else { return [] }
    let name = FilePath(program.options.outputPath).lastComponent?.string ?? program.options.outputPath
    var read: [String] = []
    let map = joined(&read)
    if diagnostics.hasErrors { return read }
    do {
      try OutputFile.write(map.text(file: name), to: path)
    } catch {
      diagnostics.error("cannot open source map \(path): \(error)", .cannotWrite, in: path)
    }
    return read
  }

  private func joined(_ files: inout [String]) -> SourceMap {
    var result = SourceMap()
    // Two files of one name may differ, and so may two without one.
    struct Source: Hashable {
      var name: [UInt8]
      var contents: [UInt8]?
    }
    var sources: [Source: Int] = [:]
    var names: [[UInt8]: Int] = [:]
    var used: [String: [InputFile]] = [:]
    var inputs: [UnitID: SourceMap] = [:]
    for unit in program.resolution.inLinkOrder {
      if !unit.contracts.isRecovered {
        if unit.customSections.contains(where: { $0.name == "sourceMappingURL" }) {
          warn("source maps of objects are not read; link what the object was made of", unit)
        }
        continue
      }
      var (map, known) = (read(of: unit, &used, &files), [Int]())
      guard let read = map else { continue }
      for (number, (name, contents)) in zip(read.sources, read.contents).enumerated() {
        let source = name.map { Source(name: $0, contents: contents) }
        let index = source.flatMap { sources[$0] } ?? result.sources.count
        if index == result.sources.count {
          if let source { sources[source] = index }
          result.sources.append(name)
          result.contents.append(contents)
        }
        if read.ignored.contains(number) { result.ignored.insert(index) }
        known.append(index)
      }
      let knownNames = read.names.map { name in
        if let index = names[name] { return index }
        names[name] = result.names.count
        result.names.append(name)
        return result.names.count - 1
      }
      for index in read.segments.indices {
        guard var origin = read.segments[index].position else { continue }
        origin.source = known[origin.source]
        origin.name = origin.name.map { knownNames[$0] }
        map?.segments[index].position = origin
      }
      inputs[unit.index] = map
    }
    for name in program.options.sourceMaps.keys.sorted() {
      switch used[name] ?? [] {
      case let files where files.isEmpty:
        diagnostics.warn("--source-map: no input is named \(name)", .unusedModuleName)
      case let files where files.count > 1:
        // A map is true of one module alone.
        let names = files.map(\.displayName)
        let hint =
          names[0] == names[1]
          ? ", of which no name means one alone" : "; --source-map=\(names[0])=FILE names one of them"
        diagnostics.error("--source-map: \(name) means \(names[0]) and \(names[1])\(hint)", .ambiguousName, in: names)
      default: break
      }
    }
    for (position, reference) in program.indices.functions.enumerated() {
      guard let map = inputs[reference.unit] else { continue }
      let unit = program.resolution.units[reference.unit]
      guard let body = maps.bodies(of: unit)?.bodies[Int(reference.index)] else { continue }
      add(map.segments(of: body), body, position, &result)
    }
    return result
  }

  private func add(
    _ segments: ArraySlice<SourceMap.Segment>, _ body: UnitBodies.Body, _ position: Int, _ result: inout SourceMap
  ) {
    guard !segments.isEmpty else { return }
    let start = payload + maps.start(ofFunctionAt: position)
    for segment in segments {
      let inside = Int(segment.offset) - Int(body.body)
      let offset = UInt32(start + maps.offset(of: inside, inFunctionAt: position))
      // What was about an instruction that is gone gives way to what is about the one behind it.
      if result.segments.last?.offset == offset { result.segments.removeLast() }
      result.segments.append(SourceMap.Segment(offset: offset, position: segment.position))
    }
    let end = payload + Int(code.offsets[position]) + Int(code.sizes[position])
    result.segments.append(SourceMap.Segment(offset: UInt32(end)))
  }

  // MARK: Maps of inputs

  /// The map of a unit, with names of sources that count from where the result's map is.
  private func read(of unit: Unit, _ used: inout [String: [InputFile]], _ files: inout [String]) -> SourceMap? {
    guard let found = SourceMapFile.find(unit, program, &used, warn: { warn($0, unit) }) else { return nil }
    if found.file.isFile, !files.contains(found.file.path) { files.append(found.file.path) }
    do throws(FormatError) {
      var map = try SourceMap(found.file.bytes)
      if let code = unit.module.oldCodePayload, let last = map.segments.last, Int(last.offset) > code.upperBound {
        throw FormatError("it goes on behind the code of the module, at \(last.offset)", at: 0)
      }
      if let folder = found.folder, let output = program.options.sourceMapFile {
        let folders = SourceFolders(folder, FilePath(output).removingLastComponent())
        map.sources = map.sources.map { $0.map(folders.moved) }
      }
      return map
    } catch {
      warn("\(found.name): \(error.message) (at offset \(error.offset)); the source map is left out", unit)
      return nil
    }
  }

  private func warn(_ text: String, _ unit: Unit) {
    diagnostics.warn("\(unit.file.displayName): \(text)", .debugInformation, in: unit.file.displayName)
  }
}

extension SourceMap {
  /// The segments that begin in a function.
  fileprivate func segments(of body: UnitBodies.Body) -> ArraySlice<Segment> {
    func first(from offset: UInt32) -> Int {
      segments.indices.partitionPoint { segments[$0].offset < offset }
    }
    return segments[first(from: body.start)..<first(from: body.end)]
  }
}
