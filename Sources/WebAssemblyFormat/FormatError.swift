/// A file that does not follow its format: what is wrong, and where.
///
/// The message is plain English without a trailing full stop; the offset is that of the first offending byte.
public struct FormatError: Error, Equatable, Sendable {
  /// What is wrong, for example `section ends inside a LEB128 number`.
  public let message: String
  /// Byte offset from the start of the file (for an archive member, of the member).
  public let offset: Int

  public init(_ message: String, at offset: Int) {
    self.message = message
    self.offset = offset
  }
}
