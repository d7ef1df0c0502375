import WebAssemblyFormat

// Translates the older instructions for exceptions to those of WebAssembly 3.0 (`--translate-to-exnref`).
//
// Libraries that were built with the older ones (`try`, `catch`, `rethrow`, `delegate`) cannot be compiled again by those
// who link them, and engines without a past do not have them. The translation concerns a finished module alone and knows
// nothing of the link, so it is done before the module is read: what follows sees a module that was always so. An object
// is left as it is: its relocations name places in the code, and whoever has it has a compiler.
//
// Bodies get longer, and what says something of places in the code (debug information, hints) counts in the bodies as they
// were: where their instructions went is noted (`Model/CodeTranslation.swift`).

/// Translates a module as a whole.
struct ExceptionTranslation {
  private let file: ByteReader
  private let functions: [TypeIndex]
  private var types: BlockTypes
  /// Where the code was.
  private(set) var places: CodeTranslation?

  /// - Parameter unit: the module's declarations, which have been read.
  init(_ unit: ModuleDraft) {
    file = unit.file.bytes
    functions = unit.functions.map(\.type)
    types = BlockTypes(unit.types, tags: unit.tagImports.map(\.tagType) + unit.tags.map(\.type))
  }

  /// - Returns: the translated module; `nil` if there is nothing to translate.
  /// - Throws: ``FormatError`` where the code is damaged, or does what has no translation.
  mutating func run(_ threads: Threads) throws(FormatError) -> [UInt8]? {
    let bodies = try ModuleReader.findBodies(in: file)
    let file = file
    let concerned = threads.map(bodies.count, batch: 64) { index in
      ExceptionForm.first(in: file[ExceptionTranslation.range(bodies[index])]) == .legacy
    }
    guard concerned.contains(true) else { return nil }
    var places = CodeTranslation(payload: try codePayload())
    var code = ByteWriter()
    code.count(bodies.count)
    for (index, place) in bodies.enumerated() {
      let body = file[ExceptionTranslation.range(place)]
      places.bodies.append(CodeTranslation.Body(start: place.start, body: place.body, end: place.body + place.size))
      guard concerned[index], let type = functions[checked: index] else {
        code.count(body.remaining)
        code.raw(body)
        continue
      }
      var translation = TranslatedBody(
        body, parameterCount: try types.signature(of: type, at: body.offset).parameters.count)
      let bytes = try translation.translate(&types)
      code.count(bytes.count)
      code.raw(bytes)
      places.places[index] = translation.places
    }
    self.places = places
    return try module(code)
  }

  private static func range(_ place: ModuleReader.BodyPlace) -> Range<Int> {
    Int(place.body)..<Int(place.body) + Int(place.size)
  }

  // MARK: The module

  private mutating func module(_ code: ByteWriter) throws(FormatError) -> [UInt8] {
    var result = ByteWriter(capacity: file.remaining + file.remaining / 8)
    result.raw(file[file.offset..<file.offset + 8])
    var sections = try SectionReader(file)
    while let section = try sections.next() {
      // They say where operands are; nobody reads them of a finished module.
      if section.id == .custom, section.name.hasPrefix("reloc.") { continue }
      result.byte(section.id.rawValue)
      var content = ByteWriter(capacity: section.payload.remaining)
      switch section.id {
      case .custom:
        content.name(section.name)
        content.raw(section.payload)
      case .type:
        var reader = section.payload
        content.count(try reader.count() + types.added.count)
        content.raw(reader)
        for definition in types.added { content.raw(definition) }
      case .code: content.raw(code)
      default: content.raw(section.payload)
      }
      result.count(content.count)
      result.raw(content)
    }
    return result.bytes
  }

  /// Where the payload of the code section is in the file.
  private func codePayload() throws(FormatError) -> Range<Int> {
    var sections = try SectionReader(file)
    while let section = try sections.next() {
      if section.id == .code { return section.payload.offset..<section.payload.end }
    }
    return file.end..<file.end
  }
}
