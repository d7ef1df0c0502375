import SolderCommandLine
import WebAssemblyFormat

@testable import SolderLinker

/// The readers of files, each for itself.
enum FuzzReaders {
  private static let threads = Threads(1)

  static func loader(leavesLibraries: Bool = false, mergesModules: Bool = false) -> UnitLoader {
    UnitLoader(
      diagnostics: Diagnostics(sink: { _ in }), leavesLibraries: leavesLibraries, mergesModules: mergesModules,
      threads: threads, names: NameRegister())
  }

  /// What reading the file as the kind that it is gives; nil if it is refused.
  static func read(_ file: InputFile, leavesLibraries: Bool = false) throws(FormatError) -> InputModule? {
    let kind = try FileKind.recognise(file.bytes)
    switch kind {
    case .object, .sharedLibrary, .plainModule:
      return try loader(leavesLibraries: leavesLibraries).read(file, kind: kind)
    default: return nil
    }
  }

  static func unit(_ bytes: [UInt8]) {
    guard let file = try? InputFile(InputBytes(name: "fuzz", bytes)) else { return }
    for leavesLibraries in [false, true] {
      do throws(FormatError) {
        guard let unit = try read(file, leavesLibraries: leavesLibraries) else { return }
        // All names are looked at, since a link writes them.
        for symbol in unit.symbols { FuzzTarget.require(symbol.name.count <= bytes.count, "a name beyond the file") }
        if unit.origin != .sharedLibrary { return }
      } catch {
        FuzzTarget.require(
          0...bytes.count ~= error.offset && !error.message.isEmpty, "an error at \(error.offset) of \(bytes.count)")
        return
      }
    }
  }

  static func archive(_ bytes: [UInt8]) {
    guard let file = try? InputFile(InputBytes(name: "fuzz.a", bytes)) else { return }
    do throws(FormatError) {
      guard try FileKind.recognise(file.bytes) == .archive else { return }
      let archive = try Archive(file.bytes)
      FuzzTarget.require(archive.members.count <= bytes.count, "more members than bytes")
      _ = try loader().lazyFiles(of: archive, in: file, moduleName: nil)
      _ = loader().readMembers(of: archive, in: file, moduleName: nil)
    } catch {
      FuzzTarget.require(0...bytes.count ~= error.offset, "an error at \(error.offset) of \(bytes.count)")
    }
  }

  static func sourceMap(_ bytes: [UInt8]) {
    guard let file = try? InputFile(InputBytes(name: "fuzz.map", bytes)), let map = try? SourceMap(file.bytes) else {
      return
    }
    // What is written is read as what it was.
    let text = map.text(file: "fuzz.wasm")
    guard let second = try? InputFile(InputBytes(name: "second.map", text)), let again = try? SourceMap(second.bytes)
    else { fatalError("fuzz: a map that was written is not read") }
    FuzzTarget.require(again.text(file: "fuzz.wasm") == text, "a map changes when it is read and written")
  }

  /// The custom sections of debug information, from which a few may be left out.
  private static let sectionNames = [
    ".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_ranges", ".debug_loc", ".debug_rnglists",
    ".debug_loclists", ".debug_addr", ".debug_str_offsets", ".debug_line_str", ".debug_aranges", ".debug_frame",
    ".debug_types", ".debug_names", "external_debug_info",
  ]

  /// The number of a section of debug information.
  static func debugSectionNumber(_ name: String) -> UInt8? { sectionNames.firstIndex(of: name).map { UInt8($0) } }

  /// Each file is the content of a section, whose number its flags are; the module around them has two small functions.
  static func debugInformation(_ bytes: [UInt8]) {
    let parts = FuzzFiles(bytes)
    // (module (import "m" "f" (func)) (func (export "g") call 0) (func (export "h") …)), with room for folding.
    var module: [UInt8] = [
      0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x6D, 1, 0x66, 0, 0, 3, 3, 2, 0, 0, 7, 9, 2, 1,
      0x67, 0, 1, 1, 0x68, 0, 2, 10, 20, 2, 9, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x01, 0x0B, 8, 1, 1, 0x7F, 0x01,
      0x10, 1,
      0x01, 0x0B,
    ]
    for part in parts.files {
      let name = sectionNames[Int(part.flags) % sectionNames.count]
      var section = ByteWriter()
      section.byte(0)
      section.sized { section in
        section.name(name)
        section.raw(part.bytes)
      }
      module += section.bytes
    }
    let other: [UInt8] = [
      0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0, 10, 4, 1, 2, 0, 0x0B,
    ]
    var options = LinkOptions()
    options.inputs = [
      InputArgument(.bytes(InputBytes(name: "debug.wasm", module))),
      InputArgument(.bytes(InputBytes(name: "other.wasm", other), moduleName: "m")),
    ]
    options.keepDebug = true
    options.threads = 1
    options.entryPoint = .none
    options.compressRelocations = parts.choices & 1 != 0
    options.identicalCodeFolding = parts.choices & 2 != 0 ? .all : .none
    guard let result = linkToBytes(options, Diagnostics(sink: { _ in })) else { return }
    if let isValid = unsafe FuzzTarget.isValid { FuzzTarget.require(isValid(result), "the result is not valid") }
  }
}
