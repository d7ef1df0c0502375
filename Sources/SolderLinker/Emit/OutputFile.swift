import CPlatform
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
  static func write(_ image: OutputImage, to path: String, permissions: mode_t = 0o777) throws(Errno) {
    var pending = try prepare(image, to: path, permissions: permissions)
    try pending.publish()
  }

  /// Writes all of it, so that what is left is to let others see it.
  ///
  /// - Returns: what must be published or discarded.
  /// - Throws: what the system says.
  static func prepare(
    _ image: OutputImage, to path: String, permissions: mode_t = 0o777
  ) throws(Errno) -> PendingOutput {
    if path == "-" { return .stream(try sound(image.bytes()), path: nil) }
    // Devices and pipes cannot be renamed over.
    var status = stat()
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
      return .stream(try sound(image.bytes()), path: path)
    }
    let file = try TemporaryFile(beside: path, permissions)
    do throws(Errno) {
      try reserve(image.count, in: file.descriptor)
      try image.write(to: file.descriptor)
      _ = try sound([])
    } catch {
      file.discard()
      throw error
    }
    return .file(file, path: path)
  }

  /// Writes a report or another file that is no program in the same way.
  ///
  /// - Throws: what the system says.
  static func write(_ bytes: [UInt8], to path: String) throws(Errno) {
    try write(OutputImage(bytes), to: path, permissions: 0o666)
  }

  /// Finds out, before any work is done, whether there could be a file of this name.
  ///
  /// - Throws: what the system would say.
  static func check(_ path: String) throws(Errno) {
    if path.isEmpty || path == "-" { return }
    var status = stat()
    if unsafe stat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
      return
    }
    guard errno == ENOENT else { throw Errno(rawValue: errno) }
    let folder = FilePath(path).removingLastComponent().string
    guard unsafe access(folder.isEmpty ? "." : folder, W_OK) == 0 else { throw Errno(rawValue: errno) }
  }

  /// What became of zeros in place of an input's bytes is shown to nobody.
  private static func sound(_ bytes: [UInt8]) throws(Errno) -> [UInt8] {
    if Mapping.hasLostBytes { throw .ioError }
    return bytes
  }

  /// Gives a new file its blocks on the disk before it is filled.
  ///
  /// Not only that a full disk is found out at once: ext4 makes up for blocks that are not there yet when a file replaces
  /// another by name, and waits for that (20 ms for 34 MB). Where the file system cannot reserve blocks, nothing is lost.
  private static func reserve(_ count: Int, in descriptor: Int32) throws(Errno) {
    #if os(Linux)
      let status = posix_fallocate(descriptor, 0, off_t(count))
      if status == ENOSPC || status == EDQUOT || status == EFBIG { throw Errno(rawValue: status) }
    #endif
  }
}

/// A result whose bytes are all there, and that nobody sees yet.
enum PendingOutput {
  /// A file, and the name that it is to have.
  case file(TemporaryFile, path: String)
  /// The bytes, and the device or pipe that they are to go to; without a path, standard output.
  case stream([UInt8], path: String?)

  /// Lets others see it, in one step if it is a file.
  ///
  /// - Throws: what the system says; a file is discarded then.
  mutating func publish() throws(Errno) {
    switch self {
    case .file(var file, let path):
      do throws(Errno) {
        try file.rename(to: path)
      } catch {
        file.discard()
        throw error
      }
    case .stream(let bytes, let path):
      let descriptor =
        try path.map { path throws(Errno) in try TemporaryFile.open(path, O_WRONLY, 0) } ?? dup(STDOUT_FILENO)
      guard descriptor >= 0 else { throw Errno(rawValue: errno) }
      try PendingOutput.copy(bytes, to: descriptor)
    }
  }

  /// Forgets it.
  func discard() {
    if case .file(let file, _) = self { file.discard() }
  }

  /// Writes to what cannot be written out of order.
  private static func copy(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { rest in
        #if canImport(Darwin)
          Darwin.write(descriptor, rest.baseAddress! + written, rest.count - written)
        #elseif canImport(Musl)
          Musl.write(descriptor, rest.baseAddress! + written, rest.count - written)
        #else
          unsafe Glibc.write(descriptor, rest.baseAddress! + written, rest.count - written)
        #endif
      }
      if count < 0 {
        let error = Errno(rawValue: errno)
        if error == .interrupted { continue }
        throw error
      }
      // A device that takes nothing and has no complaint would never be done.
      if count == 0 { throw .ioError }
      written += count
    }
  }
}
