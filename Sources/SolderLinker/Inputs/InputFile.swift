import SystemPackage
import WebAssemblyFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that was named as an input, or a member of an archive, with its bytes mapped.
///
/// Names and relocations point into the mapping, so an `InputFile` must outlive everything read from it: the link
/// holds on to all of them until the result is written. A member holds on to its archive.
final class InputFile: @unchecked Sendable {
  /// The path as given, for messages.
  let path: String
  /// The member's name, when the bytes are a member of the archive at `path`.
  let member: String?
  let bytes: ByteReader
  private let container: InputFile?
  private let mapping: UnsafeMutableRawPointer?
  private let mappedCount: Int

  /// Maps the file at `path`.
  ///
  /// - Throws: what the system says, for example that there is no such file.
  init(path: String) throws(Errno) {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .isDirectory }
    let count = Int(status.st_size)
    // Offsets in files are kept in 32 bits, as the format's own sizes are.
    guard count < Int(UInt32.max) else { throw .fileTooLarge }
    self.path = path
    member = nil
    container = nil
    if count == 0 {
      mapping = nil
      mappedCount = 0
      bytes = ByteReader(InputFile.noBytes, 0..<0)
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    mapping = address
    mappedCount = count
    bytes = ByteReader(UnsafePointer(address.assumingMemoryBound(to: UInt8.self)), 0..<count)
  }

  /// A member of an archive; its offsets count from its own first byte.
  init(member name: String, content: ByteReader, of archive: InputFile) {
    path = archive.path
    member = name
    container = archive
    mapping = nil
    mappedCount = 0
    bytes = ByteReader(content.base + content.offset, 0..<content.remaining)
  }

  /// A member of a thin archive, which is a file of its own.
  init(member name: String, file: InputFile, of archive: InputFile) {
    path = archive.path
    member = name
    container = file
    mapping = nil
    mappedCount = 0
    bytes = file.bytes
  }

  /// Bytes that the linker made itself and that live as long as the process.
  init(name: String, bytes: ByteReader) {
    path = name
    member = nil
    container = nil
    mapping = nil
    mappedCount = 0
    self.bytes = bytes
  }

  deinit {
    if let mapping { munmap(mapping, mappedCount) }
  }

  /// `libc.a(printf.o)`, or the path.
  var displayName: String { member.map { "\(path)(\($0))" } ?? path }

  /// No bytes at all.
  static let nothing = ByteReader(noBytes, 0..<0)

  nonisolated(unsafe) static let noBytes = UnsafePointer<UInt8>(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))
}
