import WebAssemblyFormat

// Annotations of code: custom sections `metadata.code.*` that say something of instructions, which of two branches is
// likely, say (WebAssembly, custom annotations; branch hinting; compilation hints). Each is a vector of functions by index,
// and for each function a vector of offsets in its body with some bytes. Both change with linking, and a module has one
// such section of a kind, in front of the code. So those of all units become one, in the order of the functions of the
// result; what they say of functions that are gone, or of an instruction that was replaced by another, goes.
//
// Who makes one object of several puts their sections one behind the other, as all custom sections, and wasm-ld does so
// with a program's: then a section is several vectors. Of a function that several files have, only what the one says whose
// it is in the result is true of it; of an object made of those, that is what it says first.

/// Joins annotations of code.
struct CodeAnnotations {
  /// The sections that this is about.
  static let prefix: StaticString = "metadata.code."
  /// The kind whose bytes are indices of functions, each with a number.
  private static let callTargets: StaticString = "metadata.code.call_targets"

  private struct Item {
    var offset: UInt32
    var bytes: ByteReader
  }

  private struct Annotated {
    var position: Int
    var unit: Unit
    var items: [Item]
  }

  private let program: Program
  private let maps: BodyMaps
  private let diagnostics: Diagnostics

  init(_ program: Program, _ maps: BodyMaps, _ diagnostics: Diagnostics) {
    self.program = program
    self.maps = maps
    self.diagnostics = diagnostics
  }

  /// The sections of the result, by name, in the order in which units have them.
  func sections() -> [(name: ByteString, contents: ByteWriter)] {
    var names: [ByteString] = []
    var functions: [ByteString: [Annotated]] = [:]
    for unit in program.resolution.inLinkOrder {
      for (index, section) in unit.customSections.enumerated()
      where section.name.hasPrefix(CodeAnnotations.prefix) && !unit.isDiscarded(comdat: section.comdat) {
        do throws(FormatError) {
          let read = try read(section, index, of: unit)
          if functions[section.name] == nil { names.append(section.name) }
          functions[section.name, default: []] += read
        } catch {
          diagnostics.warn(
            "\(unit.file.displayName): \(section.name): \(error.message) (at offset \(error.offset)); the section is "
              + "left out", .malformedInput, in: unit.file.displayName)
        }
      }
    }
    return names.compactMap { name in
      let all = inOrder(functions[name] ?? [])
      return all.isEmpty ? nil : (name, contents(all, ofCallTargets: name == CodeAnnotations.callTargets))
    }
  }

  /// By functions, of each what was said first.
  private func inOrder(_ functions: [Annotated]) -> [Annotated] {
    var known: Set<Int> = []
    return functions.filter { known.insert($0.position).inserted }.sorted { $0.position < $1.position }
  }

  private func read(_ section: CustomSection, _ index: Int, of unit: Unit) throws(FormatError) -> [Annotated] {
    var reader = section.content.asFile
    var result: [Annotated] = []
    while !reader.isAtEnd {
      for _ in 0..<(try reader.count(minimumSize: 2)) {
        if let function = try readFunction(&reader, index, of: unit) { result.append(function) }
      }
    }
    return result
  }

  private func readFunction(
    _ reader: inout ByteReader, _ section: Int, of unit: Unit
  ) throws(FormatError) -> Annotated? {
    let at = reader.offset
    let number = try reader.u32()
    var items: [Item] = []
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      let place = reader.offset
      let offset = try reader.u32()
      if let last = items.last, offset <= last.offset { throw FormatError("its offsets are not in order", at: place) }
      items.append(Item(offset: offset, bytes: try reader.slice(Int(try reader.u32()))))
    }
    guard let function = try function(number, at: at, section, of: unit) else { return nil }
    let (edits, translation) = (unit.edits(of: function), unit.module.translation)
    if translation == nil, let last = items.last,
      last.offset >= unit.functions[function - unit.bases.function].body.size
    {
      throw FormatError("offset \(last.offset) is beyond function \(number)", at: at)
    }
    guard let position = maps.position(of: function) else { return nil }
    items.removeAll { item in
      let offset = translation?.newOffset(of: Int(item.offset), in: function - unit.bases.function)
      let place = offset.map { UInt32($0) } ?? item.offset
      let next = edits.indices.partitionPoint { edits[$0].upperBound <= place }
      return next < edits.count && edits[next].contains(place)
    }
    return items.isEmpty ? nil : Annotated(position: position, unit: unit, items: items)
  }

  /// The function of the unit with an index in the file, or that a relocation there names.
  private func function(
    _ number: UInt32, at offset: Int, _ section: Int, of unit: Unit
  ) throws(FormatError) -> FunctionID? {
    let (own, relocations) = (unit.customRelocations[section].indices, unit.relocations)
    let next = own.partitionPoint { Int(relocations[$0].offset) < offset }
    if next < own.upperBound, Int(relocations[next].offset) == offset {
      let relocation = relocations[next]
      let symbol = program.symbol(unit.symbolIDs[relocation.namedSymbol])
      return symbol.kind == .function && symbol.isDefined && symbol.definer == unit.index ? symbol.functionID : nil
    }
    let defined = Int(number) - unit.functionImports.count
    guard unit.functions.indices.contains(defined) else {
      throw FormatError("there is no function \(number)", at: offset)
    }
    return unit.bases.function + defined
  }

  private func contents(_ functions: [Annotated], ofCallTargets: Bool) -> ByteWriter {
    var writer = ByteWriter()
    writer.count(functions.count)
    for function in functions {
      writer.u32((program.indices.importCounts.functions + function.position).rawValue)
      writer.count(function.items.count)
      for item in function.items.sorted(by: { $0.offset < $1.offset }) {
        writer.count(maps.offset(of: Int(item.offset), inFunctionAt: function.position))
        writer.sized { writer in
          if ofCallTargets { writeTargets(item.bytes, of: function.unit, &writer) } else { writer.raw(item.bytes) }
        }
      }
    }
    return writer
  }

  private func writeTargets(_ bytes: ByteReader, of unit: Unit, _ writer: inout ByteWriter) {
    var reader = bytes
    while !reader.isAtEnd, let number = try? reader.u32(), let frequency = try? reader.u32() {
      let index = number < unit.functionImports.count + unit.functions.count ? FunctionIndex(rawValue: number) : nil
      guard let index, unit.contracts.isRecovered, let target = program.values[Int(unit.id(of: index))].function
      else { continue }
      writer.u32(target.rawValue)
      writer.u32(frequency)
    }
  }
}

extension Unit {
  /// The instructions of a function that give way to others, as offsets in its body.
  fileprivate func edits(of function: FunctionID) -> [Range<UInt32>] {
    let index = function - bases.function
    let start = functions[index].body.start
    return functionRelocations[index].indices.map { relocations[$0] }
      .filter { $0.encoding == .nothing || $0.encoding == .indexedSum || $0.encoding.isConstant }.map {
        $0.offset - start..<$0.end - start
      }
  }
}
