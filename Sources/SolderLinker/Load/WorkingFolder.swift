import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension FilePath {
  /// The path from the root, without `.` and `..`; `nil` when it counts from a working folder that is not there.
  var absolute: FilePath? { fromRoot?.lexicallyNormalized() }

  /// Whether it leaves more folders than there are.
  var climbsAboveRoot: Bool {
    var depth = 0
    for component in fromRoot?.components ?? FilePath.ComponentView() {
      switch component.kind {
      case .regular: depth += 1
      case .parentDirectory: depth -= 1
      case .currentDirectory: break
      }
      if depth < 0 { return true }
    }
    return false
  }

  private var fromRoot: FilePath? {
    if isAbsolute { return self }
    guard let folder = unsafe getcwd(nil, 0) else { return nil }
    defer { unsafe free(folder) }
    return unsafe FilePath(platformString: folder).pushing(self)
  }
}
