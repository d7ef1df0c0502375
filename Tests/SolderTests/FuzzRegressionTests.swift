import Foundation
import Testing

/// What fuzzing has found (`Scripts/fuzz`), once more: `Tests/Inputs/fuzz/TARGET.NAME.hex`, in lines of hexadecimal numbers,
/// behind a line that says what happened.
@Suite struct FuzzRegressionTests {
  private static let folder = Repository.inputs + "/fuzz"

  static let findings: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".hex") }.sorted()

  private func input(_ name: String) throws -> (target: FuzzTarget, bytes: [UInt8]) {
    let target = try #require(FuzzTarget(rawValue: String(name.prefix { $0 != "." })), "\(name) names no target")
    let text = try String(contentsOfFile: Self.folder + "/" + name, encoding: .utf8)
    let digits = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined().filter { $0 != " " }
    var bytes: [UInt8] = []
    var rest = digits[...]
    while let byte = UInt8(rest.prefix(2), radix: 16) {
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    #expect(rest.isEmpty, "\(name): \(rest.prefix(10)) is no number")
    return (target, bytes)
  }

  /// A finding that comes back ends this process.
  @Test(arguments: findings) func aFindingStaysMended(_ name: String) throws {
    let (target, bytes) = try input(name)
    target.run(bytes)
  }

  /// Every target takes any bytes.
  @Test(arguments: FuzzTarget.allCases) func noBytesAndAnyBytes(_ target: FuzzTarget) {
    var generator = SplitMix(seed: 14)
    target.run([])
    for length in 1..<200 { target.run((0..<length).map { _ in UInt8(generator.below(256)) }) }
  }
}
