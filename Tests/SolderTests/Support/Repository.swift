import Foundation

/// Where the tests find things in the checkout they were compiled from.
enum Repository {
  /// The folder of `Package.swift`.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  /// Committed sources of test programs.
  static let inputs = root + "/Tests/Inputs"
  /// What `Scripts/prerequisites` brought, and the artifacts of earlier runs; ignored by git.
  static let cache = root + "/.cache"
}

/// A fresh folder for the files of one test; all of them go when the process ends.
struct TemporaryFolder: Sendable {
  private static let root: String = {
    let root =
      FileManager.default.temporaryDirectory.path + "/solder-tests-\(ProcessInfo.processInfo.processIdentifier)"
    atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.root) }
    return root
  }()

  let path: String

  init() throws {
    path = Self.root + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Path of the file with this name in the folder.
  func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file into the folder and returns its path.
  @discardableResult
  func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  /// Writes text as UTF-8 into the folder and returns the file's path.
  @discardableResult
  func write(_ text: String, to name: String) throws -> String { try write(text.utf8, to: name) }
}

/// The bytes of a file.
func contents(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

/// 64-bit FNV-1a, for the names of cached artifacts.
struct Fingerprint {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    value = (value ^ 0xff) &* 0x100_0000_01b3
  }

  mutating func add(_ text: String) { add(text.utf8) }
}
