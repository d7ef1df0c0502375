/// What a file is, told from its content alone.
public enum FileKind: Sendable, Equatable {
  /// A relocatable object: a module with a `linking` section.
  case object
  /// A module with a `dylink.0` section, or with the older `dylink`.
  case sharedLibrary
  /// A core module with neither section.
  case plainModule
  /// An `ar` archive.
  case archive
  /// An `ar` archive that names its members instead of holding them.
  case thinArchive
  /// A list of symbols that the host provides (`#STUB`).
  case stubLibrary
  /// Something that cannot be linked; the text says what it is and what to do.
  case foreign(String)

  /// What a compiler leaves for link-time optimisation.
  public static let bitcode = FileKind.foreign(
    "LLVM bitcode, which cannot be linked (compile it to an object, without -flto)")

  /// Recognises the file whose bytes are `file`.
  ///
  /// - Throws: ``FormatError`` when it is a WebAssembly module whose sections cannot be stepped through.
  public static func recognise(_ file: ByteReader) throws(FormatError) -> FileKind {
    if file.isAtEnd { return .foreign("file is empty") }
    if starts(file, "!<arch>\n") { return .archive }
    if starts(file, "!<thin>\n") { return .thinArchive }
    if starts(file, "#STUB") { return .stubLibrary }
    if starts(file, "\0asm") { return try recogniseModule(file) }
    return isBitcode(file) ? .bitcode : .foreign(describeForeign(file))
  }

  private static func recogniseModule(_ file: ByteReader) throws(FormatError) -> FileKind {
    if file.remaining >= 8 {
      var version = file
      try version.skip(4)
      if try version.fixed32() == 0x0001_000d {
        return .foreign(
          "a WebAssembly component, not a core module (extract the core module, for example with "
            + "'wasm-tools component unbundle')")
      }
    }
    var sections = try SectionReader(file)
    while let section = try sections.next() {
      guard section.id == .custom else { continue }
      if section.name == "dylink.0" || section.name == "dylink" { return .sharedLibrary }
      if section.name == "linking" { return .object }
    }
    return .plainModule
  }

  private static func isBitcode(_ file: ByteReader) -> Bool {
    starts(file, raw: [0x42, 0x43, 0xC0, 0xDE]) || starts(file, raw: [0xDE, 0xC0, 0x17, 0x0B])
  }

  private static func describeForeign(_ file: ByteReader) -> String {
    if starts(file, raw: [0x7F, 0x45, 0x4C, 0x46]) {
      return "an ELF file, not WebAssembly (compile it with --target=wasm32)"
    }
    if starts(file, raw: [0xCF, 0xFA, 0xED, 0xFE]) || starts(file, raw: [0xCA, 0xFE, 0xBA, 0xBE]) {
      return "a Mach-O file, not WebAssembly (compile it with --target=wasm32)"
    }
    if starts(file, "(module") || starts(file, "(component") || starts(file, ";;") {
      return "WebAssembly text (assemble it first, for example with 'wasm-tools parse' or 'wat2wasm')"
    }
    return "unknown file type"
  }

  /// What a file is likely to be that is none of these, by a look at its beginning; `nil` for what tells nothing.
  public static func guess(_ file: ByteReader) -> String? {
    let head = Array(file.prefix(4096))
    if head.starts(with: [0x64, 0x86]) || head.starts(with: [0x4C, 0x01]) {
      return "it looks like an object of Windows (compile it with --target=wasm32)"
    }
    guard !head.isEmpty, head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }) else { return nil }
    let text = String(decoding: head, as: UTF8.self)
    if text.contains("(module") || text.contains("(component") {
      return "it looks like WebAssembly text (assemble it first, for example with 'wasm-tools parse' or 'wat2wasm')"
    }
    if text.contains("target datalayout") || text.contains("source_filename") {
      return "it looks like LLVM's text (compile it to an object: clang -c)"
    }
    if ["GROUP", "INPUT", "SECTIONS", "OUTPUT_FORMAT"].contains(where: text.contains) {
      return "it looks like a linker script, which means nothing here"
    }
    return "it looks like text (compile or assemble it to an object first)"
  }

  private static func starts(_ file: ByteReader, _ prefix: StaticString) -> Bool {
    // Not by way of a `ByteString`, whose hash would take the whole file.
    file.starts(with: prefix.description.utf8)
  }

  private static func starts(_ file: ByteReader, raw prefix: [UInt8]) -> Bool {
    file.starts(with: prefix)
  }
}
