import CPlatform
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

  /// Maps the file at `path`, or reads it where it is none that can be mapped, such as a pipe.
  ///
  /// - Throws: what the system says, for example that there is no such file.
  init(path: String) throws(Errno) {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .isDirectory }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let (address, count) = try InputFile.readAll(descriptor)
      self.path = path
      member = nil
      container = nil
      mapping = address
      mappedCount = count
      bytes = ByteReader(UnsafePointer(address.assumingMemoryBound(to: UInt8.self)), 0..<count)
      return
    }
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

  /// Reads what has no size before it has been read, into memory that is mapped as a file would be.
  ///
  /// - Returns: the mapping, and how many of its bytes were read; the mapping is as long as those need, or a page.
  /// - Throws: what the system says, or ``Errno/fileTooLarge``.
  private static func readAll(_ descriptor: Int32) throws(Errno) -> (address: UnsafeMutableRawPointer, count: Int) {
    func map(_ size: Int) throws(Errno) -> UnsafeMutableRawPointer {
      guard let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0), address != MAP_FAILED
      else { throw Errno(rawValue: errno) }
      return address
    }
    var capacity = 1 << 16
    var count = 0
    var buffer = try map(capacity)
    do throws(Errno) {
      while true {
        if count == capacity {
          guard capacity < Int(UInt32.max) else { throw .fileTooLarge }
          let larger = try map(capacity * 2)
          larger.copyMemory(from: buffer, byteCount: count)
          munmap(buffer, capacity)
          (buffer, capacity) = (larger, capacity * 2)
        }
        let got = read(descriptor, buffer + count, capacity - count)
        if got == 0 { break }
        if got < 0 {
          if errno == EINTR { continue }
          throw Errno(rawValue: errno)
        }
        count += got
      }
      guard count < Int(UInt32.max) else { throw .fileTooLarge }
    } catch {
      munmap(buffer, capacity)
      throw error
    }
    // Only what was read is given back with the file.
    let page = Int(getpagesize())
    let used = max(page, (count + page - 1) / page * page)
    if used < capacity { munmap(buffer + used, capacity - used) }
    return (buffer, count)
  }

  /// Reports a file whose mapping had lost bytes when they were read, because somebody made the file shorter. What was
  /// read in their place is zeros, so nothing that came of it counts.
  static func reportLost(_ files: [InputFile], _ diagnostics: Diagnostics) {
    guard let address = lostInput() else { return }
    let name = files.first { $0.contains(address) }?.path ?? "an input file"
    diagnostics.error("\(name): became shorter while it was read")
  }

  /// Whether an address lies in the file's bytes.
  func contains(_ address: UnsafeRawPointer) -> Bool {
    guard let mapping else { return false }
    return address >= UnsafeRawPointer(mapping) && address < UnsafeRawPointer(mapping) + mappedCount
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
    if let mapping { munmap(mapping, max(1, mappedCount)) }
  }

  /// `libc.a(printf.o)`, or the path.
  var displayName: String { member.map { "\(path)(\($0))" } ?? path }

  /// No bytes at all.
  static let nothing = ByteReader(noBytes, 0..<0)

  nonisolated(unsafe) static let noBytes = UnsafePointer<UInt8>(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))
}
