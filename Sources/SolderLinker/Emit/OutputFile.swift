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
  /// - Parameters:
  ///   - path: where to; `-` is standard output.
  ///   - permissions: of a new file, before the process's mask.
  /// - Throws: what the system says.
  static func write(_ buffer: OutputBuffer, to path: String, permissions: mode_t = 0o777) throws(Errno) {
    if path == "-" { return try fill(dup(STDOUT_FILENO), buffer) }
    // Devices and pipes cannot be renamed over.
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
      return try fill(try open(path, O_WRONLY, permissions), buffer)
    }
    let temporary = "\(path).tmp\(getpid())"
    let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, permissions)
    do throws(Errno) {
      try fill(descriptor, buffer)
      guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes a report or another file that is no program in the same way.
  ///
  /// - Throws: what the system says.
  static func write(_ bytes: [UInt8], to path: String) throws(Errno) {
    try write(OutputBuffer(copying: bytes), to: path, permissions: 0o666)
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

  private static func open(_ path: String, _ flags: Int32, _ permissions: mode_t) throws(Errno) -> Int32 {
    #if canImport(Darwin)
      let descriptor = Darwin.open(path, flags, permissions)
    #elseif canImport(Musl)
      let descriptor = Musl.open(path, flags, permissions)
    #else
      let descriptor = Glibc.open(path, flags, permissions)
    #endif
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return descriptor
  }

  private static func fill(_ descriptor: Int32, _ buffer: OutputBuffer) throws(Errno) {
    var written = 0
    while written < buffer.count {
      #if canImport(Darwin)
        let count = Darwin.write(descriptor, buffer.start + written, buffer.count - written)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, buffer.start + written, buffer.count - written)
      #else
        let count = Glibc.write(descriptor, buffer.start + written, buffer.count - written)
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
