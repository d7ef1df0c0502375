import CPlatform
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that is filled before it gets its name, so that whoever looks sees the old one or the whole new one.
///
/// Where the system has files without a name (Linux), nothing can be left behind while it is filled, whatever happens to
/// the process. Otherwise, and for the moment before it takes the place of an older file, it has a name that nobody
/// else's file has; a signal that ends the process removes it (`CPlatform`).
struct TemporaryFile {
  let descriptor: Int32
  private let path: String
  /// Its name, as long as it has one of its own.
  private var name: String?

  /// Makes a file in the folder of `path`.
  ///
  /// - Throws: what the system says.
  init(beside path: String, _ permissions: mode_t) throws(Errno) {
    self.path = path
    #if os(Linux)
      let folder = FilePath(path).removingLastComponent().string
      // `O_TMPFILE`, which Swift does not import.
      if let unnamed = try? TemporaryFile.open(
        folder.isEmpty ? "." : folder, O_WRONLY | O_DIRECTORY | 0o20000000, permissions)
      {
        descriptor = unnamed
        return
      }
    #endif
    beginNaming()
    defer { endNaming() }
    var made: Int32 = -1
    name = try TemporaryFile.withUnusedName(for: path) { name throws(Errno) in
      unsafe setTemporaryFile(name)
      made = try TemporaryFile.open(name, O_WRONLY | O_CREAT | O_EXCL, permissions)
    }
    descriptor = made
  }

  /// Gives the file its name, and closes it.
  ///
  /// - Throws: what the system says; the file has to be discarded then.
  mutating func rename(to target: String) throws(Errno) {
    beginNaming()
    defer { endNaming() }
    #if os(Linux)
      if name == nil {
        let unnamed = "/proc/self/fd/\(descriptor)"
        if unsafe linkat(AT_FDCWD, unnamed, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 { return try close() }
        guard errno == EEXIST else { throw Errno(rawValue: errno) }
        name = try TemporaryFile.withUnusedName(for: path) { name throws(Errno) in
          unsafe setTemporaryFile(name)
          if unsafe linkat(AT_FDCWD, unnamed, AT_FDCWD, name, AT_SYMLINK_FOLLOW) != 0 { throw Errno(rawValue: errno) }
        }
      }
    #endif
    try close()
    if let name {
      let status = unsafe target.withCString { target in unsafe name.withCString { unsafe systemRename($0, target) } }
      guard status == 0 else { throw Errno(rawValue: errno) }
    }
    setTemporaryFile(nil)
  }

  /// Closes the file: only then it is certain that its bytes were taken.
  private mutating func close() throws(Errno) {
    guard systemClose(descriptor) == 0 else { throw Errno(rawValue: errno) }
    isClosed = true
  }

  private var isClosed = false

  /// Removes the file.
  func discard() {
    if !isClosed { _ = systemClose(descriptor) }
    if let name { unsafe unlink(name) }
    setTemporaryFile(nil)
  }

  /// Finds a name beside `path` that no file has: another process, or one that was killed, may have taken the first.
  ///
  /// - Parameter make: makes the file, or throws ``Errno/fileExists``.
  private static func withUnusedName(
    for path: String, _ make: (String) throws(Errno) -> Void
  ) throws(Errno) -> String {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let name = "\(path).tmp\(String(generator.next(), radix: 36))"
      do throws(Errno) {
        try make(name)
        return name
      } catch .fileExists {
        continue
      }
    }
    throw .fileExists
  }

  static func open(_ path: String, _ flags: Int32, _ permissions: mode_t) throws(Errno) -> Int32 {
    #if canImport(Darwin)
      let descriptor = Darwin.open(path, flags, permissions)
    #elseif canImport(Musl)
      let descriptor = Musl.open(path, flags, permissions)
    #else
      let descriptor = unsafe Glibc.open(path, flags, permissions)
    #endif
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    return descriptor
  }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }

private func systemRename(_ from: UnsafePointer<CChar>, _ target: UnsafePointer<CChar>) -> Int32 {
  unsafe rename(from, target)
}
