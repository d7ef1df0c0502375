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

/// The bytes of a file in memory: mapped, or read where it is none that can be mapped, such as a pipe.
///
/// `count` bytes from `address` on are readable as long as this lives, and nobody writes to them; without an address there
/// are none. Whoever keeps a reader of them keeps this.
@safe
final class Mapping: @unchecked Sendable {
  private let address: UnsafeMutableRawPointer?
  private let count: Int

  /// Maps the file at `path`.
  ///
  /// - Throws: what the system says, for example that there is no such file.
  init(path: String) throws(Errno) {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .isDirectory }
    guard status.st_mode & S_IFMT == S_IFREG else {
      unsafe (address, count) = unsafe try Mapping.readAll(descriptor)
      return
    }
    let size = Int(status.st_size)
    // Offsets in files are kept in 32 bits, as the format's own sizes are.
    guard size < Int(UInt32.max) else { throw .fileTooLarge }
    count = size
    guard size > 0 else {
      unsafe address = nil
      return
    }
    guard let mapped = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), unsafe mapped != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    unsafe address = unsafe mapped
  }

  deinit {
    if let address = unsafe address { unsafe munmap(address, max(1, count)) }
  }

  /// All bytes.
  var bytes: ByteReader {
    guard let address = unsafe address else { return InputFile.nothing }
    return unsafe ByteReader(UnsafePointer(address.assumingMemoryBound(to: UInt8.self)), 0..<count)
  }

  /// Whether a mapping lost bytes because somebody made its file shorter, and they were read.
  static var hasLostBytes: Bool { unsafe lostInput() != nil }

  /// Whether this mapping did.
  var hasLostBytes: Bool {
    guard let address = unsafe address, let lost = unsafe lostInput() else { return false }
    return unsafe UnsafeRawPointer(lost) >= UnsafeRawPointer(address)
      && UnsafeRawPointer(lost) < UnsafeRawPointer(address) + count
  }

  /// Reads what has no size before it has been read, into memory that is mapped as a file would be.
  ///
  /// - Returns: the mapping, and how many of its bytes were read; the mapping is as long as those need, or a page.
  /// - Throws: what the system says, or ``Errno/fileTooLarge``.
  private static func readAll(_ descriptor: Int32) throws(Errno) -> (address: UnsafeMutableRawPointer, count: Int) {
    func map(_ size: Int) throws(Errno) -> UnsafeMutableRawPointer {
      guard let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
        unsafe address != MAP_FAILED
      else { throw Errno(rawValue: errno) }
      return unsafe address
    }
    var capacity = 1 << 16
    var count = 0
    var buffer = unsafe try map(capacity)
    do throws(Errno) {
      while true {
        if count == capacity {
          guard capacity < Int(UInt32.max) else { throw .fileTooLarge }
          let larger = unsafe try map(capacity * 2)
          unsafe larger.copyMemory(from: buffer, byteCount: count)
          unsafe munmap(buffer, capacity)
          unsafe (buffer, capacity) = unsafe (larger, capacity * 2)
        }
        let got = unsafe read(descriptor, buffer + count, capacity - count)
        if got == 0 { break }
        if got < 0 {
          if errno == EINTR { continue }
          throw Errno(rawValue: errno)
        }
        count += got
      }
      guard count < Int(UInt32.max) else { throw .fileTooLarge }
    } catch {
      unsafe munmap(buffer, capacity)
      throw error
    }
    // Only what was read is given back with the file.
    let page = Int(getpagesize())
    let used = max(page, (count + page - 1) / page * page)
    if used < capacity { unsafe munmap(buffer + used, capacity - used) }
    return unsafe (buffer, count)
  }
}
