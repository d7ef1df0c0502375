import SystemPackage

/// Writes reports of tools beside the linker.
package enum ReportOutput {
  /// Writes a file under its name in one step.
  ///
  /// - Returns: what the system says when it cannot be written, otherwise `nil`.
  package static func write(_ bytes: [UInt8], to path: String) -> String? {
    do throws(Errno) {
      try OutputFile.write(bytes, to: path)
      return nil
    } catch {
      return error.description
    }
  }
}
