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
    _ program: Program, _ encoder: OperandEncoder, _ code: CodePlan, _ layout: ImageLayout, _ diagnostics: Diagnostics,
    _ threads: Threads
  ) {
    self.program = program
    self.code = code
    self.diagnostics = diagnostics
    let section = layout.code.map { layout.sections[Int($0)] }
    payload = section.map { $0.offset + $0.size - Int(clamping: code.payloadSize) } ?? 0
    let isAsked = program.resolution.units.map { $0.contracts.isRecovered }
    maps = BodyMaps(program, encoder, code, of: isAsked, threads)
  }

  /// Writes the map that the options ask for.
  func write() {
    guard let path = program.options.sourceMapFile else { return }
    let name = FilePath(program.options.outputPath).lastComponent?.string ?? program.options.outputPath
    do {
      try OutputFile.write(joined().text(file: name), to: path)
    } catch {
      diagnostics.error("cannot open source map \(path): \(error)", .cannotWrite, in: path)
    }
  }

  private func joined() -> SourceMap {
    var result = SourceMap()
    var sources: [[UInt8]: Int] = [:]
    var names: [[UInt8]: Int] = [:]
    var used: Set<String> = []
    var inputs: [UnitID: SourceMap] = [:]
    for unit in program.resolution.inLinkOrder where unit.contracts.isRecovered {
      var (map, known) = (read(of: unit, &used), [Int]())
      guard let read = map else { continue }
      for (source, contents) in zip(read.sources, read.contents) {
        let index = sources[source] ?? result.sources.count
        if index == result.sources.count {
          sources[source] = index
          result.sources.append(source)
          result.contents.append(contents)
        }
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
    for name in program.options.sourceMaps.keys.sorted() where !used.contains(name) {
      diagnostics.warn("--source-map: no input is named \(name)", .unusedModuleName)
    }
    for (position, reference) in program.indices.functions.enumerated() {
      guard let map = inputs[reference.unit] else { continue }
      let function = program.resolution.units[reference.unit].functions[Int(reference.index)]
      add(map.segments(of: function), function, position, &result)
    }
    return result
  }

  private func add(
    _ segments: ArraySlice<SourceMap.Segment>, _ function: Function, _ position: Int, _ result: inout SourceMap
  ) {
    guard !segments.isEmpty else { return }
    let start = payload + maps.start(ofFunctionAt: position)
    for segment in segments {
      let inside = Int(segment.offset) - Int(function.body.start)
      let offset = UInt32(start + maps.offset(of: inside, inFunctionAt: position))
      // What was about an instruction that is gone gives way to what is about the one behind it.
      if result.segments.last?.offset == offset { result.segments.removeLast() }
      result.segments.append(SourceMap.Segment(offset: offset, position: segment.position))
    }
    let end = payload + Int(code.offsets[position]) + Int(code.sizes[position])
    result.segments.append(SourceMap.Segment(offset: UInt32(end)))
  }

  // MARK: Maps of inputs

  private func read(of unit: Unit, _ used: inout Set<String>) -> SourceMap? {
    guard let (file, name) = find(unit, &used) else { return nil }
    do throws(FormatError) {
      let map = try SourceMap(file.bytes)
      guard let code = unit.module.code else { return map }
      if let last = map.segments.last, Int(last.offset) > code.payload.end {
        throw FormatError("it goes on behind the code of the module, at \(last.offset)", at: 0)
      }
      return map
    } catch {
      warn("\(name): \(error.message) (at offset \(error.offset)); the source map is left out", unit)
      return nil
    }
  }

  private func warn(_ text: String, _ unit: Unit) {
    diagnostics.warn("\(unit.file.displayName): \(text)", .debugInformation, in: unit.file.displayName)
  }

  /// The map of a unit, and what to call it.
  private func find(_ unit: Unit, _ used: inout Set<String>) -> (file: InputFile, name: String)? {
    let path = FilePath(unit.file.path)
    let names = [unit.moduleName?.description, unit.file.path, path.lastComponent?.string].compactMap { $0 }
    for name in names {
      guard let file = program.options.sourceMaps[name] else { continue }
      used.insert(name)
      return open(FilePath(file), of: unit)
    }
    guard let section = unit.customSections.first(where: { $0.name == "sourceMappingURL" }) else { return nil }
    var content = section.content.asFile
    guard let url = try? content.name().description else {
      warn("the URL of its source map is damaged", unit)
      return nil
    }
    if url.hasPrefix("data:") {
      guard let comma = url.utf8.firstIndex(of: UInt8(ascii: ",")), url[..<comma].hasSuffix(";base64"),
        let bytes = SourceMapPass.base64(url.utf8[comma...].dropFirst())
      else {
        warn("the data in the URL of its source map is damaged", unit)
        return nil
      }
      return (InputFile(name: "source map", bytes: program.resolution.synthetic.names.copy(bytes)), "source map")
    }
    if url.contains("://") {
      warn("its source map is at \(url); --source-map=\(path.lastComponent?.string ?? "NAME")=FILE gives it", unit)
      return nil
    }
    return open(path.removingLastComponent().pushing(FilePath(url)), of: unit)
  }

  private func open(_ path: FilePath, of unit: Unit) -> (file: InputFile, name: String)? {
    do {
      return (try InputFile(path: path.string), path.string)
    } catch {
      warn("cannot open its source map \(path): \(error)", unit)
      return nil
    }
  }

  /// The bytes that a text in base 64 stands for.
  static func base64(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var (bytes, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
    for byte in text where byte != UInt8(ascii: "=") {
      guard let digit = SourceMap.digit(byte) else { return nil }
      (bits, count) = (bits << 6 | UInt32(digit), count + 6)
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }
}

extension SourceMap {
  /// The segments that begin in a function.
  fileprivate func segments(of function: Function) -> ArraySlice<Segment> {
    func first(from offset: UInt32) -> Int {
      segments.indices.partitionPoint { segments[$0].offset < offset }
    }
    return segments[first(from: function.start)..<first(from: function.body.start + function.body.size)]
  }
}
