import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes the result under its name in one step: a temporary file beside it is filled and then renamed, so that there
/// is never half a result, and the old one stays when something fails.
enum OutputFile {
  /// - Parameter path: where to; `-` is standard output.
  /// - Throws: what the system says.
  static func write(_ bytes: UnsafeBufferPointer<UInt8>, to path: String) throws(Errno) {
    if path == "-" { return try fill(dup(STDOUT_FILENO), bytes) }
    // Devices and pipes cannot be renamed over.
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
      return try fill(try open(path, O_WRONLY), bytes)
    }
    let temporary = "\(path).tmp\(getpid())"
    let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_EXCL)
    do throws(Errno) {
      try fill(descriptor, bytes)
      guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes a text in the same way.
  ///
  /// - Throws: what the system says.
  static func write(_ text: String, to path: String) throws(Errno) {
    let bytes = Array(text.utf8)
    let start = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    defer { start.deallocate() }
    _ = start.initialize(from: bytes)
    try write(UnsafeBufferPointer(start), to: path)
  }

  /// Finds out, before any work is done, whether there could be a file of this name.
  ///
  /// - Throws: what the system would say.
  static func check(_ path: String) throws(Errno) {
    if path.isEmpty || path == "-" { return }
    var status = stat()
    if stat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
      return
    }
    guard errno == ENOENT else { throw Errno(rawValue: errno) }
    let folder = FilePath(path).removingLastComponent().string
    guard access(folder.isEmpty ? "." : folder, W_OK) == 0 else { throw Errno(rawValue: errno) }
  }

  private static func open(_ path: String, _ flags: Int32) throws(Errno) -> Int32 {
    #if canImport(Darwin)
      let descriptor = Darwin.open(path, flags, 0o777)
    #elseif canImport(Musl)
      let descriptor = Musl.open(path, flags, 0o777)
    #else
      let descriptor = Glibc.open(path, flags, 0o777)
    #endif
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return descriptor
  }

  private static func fill(_ descriptor: Int32, _ bytes: UnsafeBufferPointer<UInt8>) throws(Errno) {
    guard let start = bytes.baseAddress else {
      close(descriptor)
      return
    }
    var written = 0
    while written < bytes.count {
      #if canImport(Darwin)
        let count = Darwin.write(descriptor, start + written, bytes.count - written)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, start + written, bytes.count - written)
      #else
        let count = Glibc.write(descriptor, start + written, bytes.count - written)
      #endif
      if count < 0 {
        let error = Errno(rawValue: errno)
        if error == .interrupted { continue }
        close(descriptor)
        throw error
      }
      written += count
    }
    guard close(descriptor) == 0 else { throw Errno(rawValue: errno) }
  }
}
