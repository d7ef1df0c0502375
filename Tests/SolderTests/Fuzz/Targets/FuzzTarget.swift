import SolderCommandLine
import WebAssemblyFormat

@testable import SolderLinker

/// What a fuzzer gives bytes to (`Scripts/fuzz`), and what replays the findings (`FuzzRegressionTests`).
///
/// A target returns if all is well, whether the bytes were taken or refused. Everything else is a finding: a trap, a hang,
/// memory without measure, or what ``require(_:_:)`` stops at, because an answer is wrong.
enum FuzzTarget: String, CaseIterable, Sendable {
  /// The sections of one file, of whatever kind it says it is, as a unit of a link.
  case unit
  /// Archives, and the units in them.
  case archive
  /// Bodies of functions: the fast scanner and the careful reader agree.
  case code
  /// Debug information of a small module that is linked with another.
  case dwarf
  case sourceMap = "source-map"
  /// Names of C++ and Rust.
  case demangle
  /// Command lines.
  case options
  /// Response files of both systems.
  case response
  /// Size reports, and the difference of two.
  case report
  /// Whole links of files of any kind.
  case link
  /// Whole links of modules and libraries, whose result has to be valid if they are.
  case lift
  /// The same into one object, which has to be one that can be linked.
  case relocatable

  func run(_ bytes: [UInt8]) {
    switch self {
    case .unit: FuzzReaders.unit(bytes)
    case .archive: FuzzReaders.archive(bytes)
    case .code: FuzzCode.run(bytes)
    case .dwarf: FuzzReaders.debugInformation(bytes)
    case .sourceMap: FuzzReaders.sourceMap(bytes)
    case .demangle: FuzzTexts.demangle(bytes)
    case .options: FuzzTexts.options(bytes)
    case .response: FuzzTexts.response(bytes)
    case .report: FuzzTexts.report(bytes)
    case .link: FuzzLink(bytes).run()
    case .lift: FuzzLink(bytes).run(keeping: { $0 == .sharedLibrary || $0 == .plainModule })
    case .relocatable: FuzzLink(bytes).run(words: ["-r"])
    }
  }

  /// Whether its inputs are several files (``FuzzFiles``).
  var isContainer: Bool {
    switch self {
    case .dwarf, .response, .report, .link, .lift, .relocatable: true
    default: false
    }
  }

  /// Stops when an answer is wrong.
  static func require(_ isTrue: Bool, _ message: @autoclosure () -> String) {
    if !isTrue { fatalError("fuzz: " + message()) }
  }

  /// Tells whether a module is valid, if there is a judge of that.
  nonisolated(unsafe) static var isValid: (([UInt8]) -> Bool)?
}

/// Several files in one row of bytes, so that any bytes are some files: two bytes of choices, then for each file a byte of
/// what the command line says of it, three of its length, and its bytes, the last one being as long as there are bytes.
struct FuzzFiles {
  var choices: UInt16
  var files: [(flags: UInt8, bytes: [UInt8])] = []

  static let largestCount = 8

  init(choices: UInt16 = 0, _ files: [(flags: UInt8, bytes: [UInt8])]) {
    self.choices = choices
    self.files = files
  }

  init(_ bytes: [UInt8]) {
    choices = bytes.count < 2 ? 0 : UInt16(bytes[0]) | UInt16(bytes[1]) << 8
    var rest = bytes.dropFirst(2)
    while rest.count >= 4, files.count < FuzzFiles.largestCount {
      let start = rest.startIndex
      let length = Int(rest[start + 1]) | Int(rest[start + 2]) << 8 | Int(rest[start + 3]) << 16
      let content = rest.dropFirst(4).prefix(length)
      files.append((rest[start], Array(content)))
      rest = rest.dropFirst(4 + length)
    }
  }

  var bytes: [UInt8] {
    var result = [UInt8(truncatingIfNeeded: choices), UInt8(choices >> 8)]
    for (flags, content) in files {
      let length = min(content.count, 0xFF_FFFF)
      result += [flags] + (0..<3).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + content.prefix(length)
    }
    return result
  }
}
