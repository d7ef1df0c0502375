import SystemPackage
import WebAssemblyFormat

/// A file that was named as an input, or a member of an archive, with its bytes mapped.
///
/// Names and relocations point into the mapping, so an `InputFile` must outlive everything read from it: the link
/// holds on to all of them until the result is written. A member holds on to its archive.
final class InputFile: Sendable {
  /// The path as given, for messages.
  let path: String
  /// The member's name, when the bytes are a member of the archive at `path`.
  let member: String?
  let bytes: ByteReader
  private let container: InputFile?
  private let mapping: Mapping?
  /// Where the bytes are, if this is no file.
  private let contents: InputBytes?

  /// Maps the file at `path`.
  ///
  /// - Throws: what the system says, for example that there is no such file.
  init(path: String) throws(Errno) {
    let mapping = try Mapping(path: path)
    self.path = path
    member = nil
    container = nil
    contents = nil
    self.mapping = mapping
    bytes = mapping.bytes
  }

  /// Reports a file whose mapping had lost bytes when they were read, because somebody made the file shorter. What was
  /// read in their place is zeros, so nothing that came of it counts.
  static func reportLost(_ files: [InputFile], _ diagnostics: Diagnostics) {
    guard Mapping.hasLostBytes else { return }
    let name = files.first { $0.mapping?.hasLostBytes ?? false }?.path ?? "an input file"
    diagnostics.error("\(name): became shorter while it was read", .cannotOpen, in: name)
  }

  /// A member of an archive; its offsets count from its own first byte.
  init(member name: String, content: ByteReader, of archive: InputFile) {
    path = archive.path
    member = name
    container = archive
    mapping = nil
    contents = nil
    bytes = content.asFile
  }

  /// A member of a thin archive, which is a file of its own.
  init(member name: String, file: InputFile, of archive: InputFile) {
    path = archive.path
    member = name
    container = file
    mapping = nil
    contents = nil
    bytes = file.bytes
  }

  /// Bytes that the linker made itself and that live as long as the process.
  init(name: String, bytes: ByteReader) {
    path = name
    member = nil
    container = nil
    mapping = nil
    contents = nil
    self.bytes = bytes
  }

  /// Contents that are no file.
  ///
  /// - Throws: ``Errno/fileTooLarge`` where offsets have no room in 32 bits, as of a file.
  init(_ contents: InputBytes) throws(Errno) {
    guard contents.count < Int(UInt32.max) else { throw .fileTooLarge }
    path = contents.name
    member = nil
    container = nil
    mapping = nil
    self.contents = contents
    bytes = unsafe contents.withBytes { bytes in
      unsafe bytes.baseAddress.map { unsafe ByteReader($0, 0..<bytes.count) } ?? InputFile.nothing
    }
  }

  /// What a file was turned into before it is read.
  ///
  /// - Throws: ``FormatError`` where offsets have no room in 32 bits.
  init(_ contents: InputBytes, insteadOf file: InputFile) throws(FormatError) {
    guard contents.count < Int(UInt32.max) else { throw FormatError("the file is too large to be translated", at: 0) }
    path = file.path
    member = file.member
    container = file
    mapping = nil
    self.contents = contents
    bytes = unsafe contents.withBytes { bytes in
      unsafe bytes.baseAddress.map { unsafe ByteReader($0, 0..<bytes.count) } ?? InputFile.nothing
    }
  }

  /// Whether there is a file of this path.
  var isFile: Bool { contents == nil }

  /// `libc.a(printf.o)`, or the path.
  var displayName: String { member.map { "\(path)(\($0))" } ?? path }

  /// No bytes at all.
  static let nothing = ByteString("").bytes
}
