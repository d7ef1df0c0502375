/// An entry of the `target_features` section (tool-conventions, Linking.md, Target Features Section).
public struct TargetFeature: Sendable {
  /// `+` used, `=` required, `-` disallowed.
  public let prefix: UInt8
  public let name: ByteString

  public init(prefix: UInt8, name: ByteString) {
    self.prefix = prefix
    self.name = name
  }

  /// Reads the whole section.
  ///
  /// - Throws: ``FormatError`` when it is damaged.
  public static func read(_ payload: ByteReader) throws(FormatError) -> [TargetFeature] {
    var reader = payload
    var result: [TargetFeature] = []
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      result.append(TargetFeature(prefix: try reader.byte(), name: try reader.name()))
    }
    return result
  }
}
