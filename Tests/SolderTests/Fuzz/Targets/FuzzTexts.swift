import Demangling
import JSON
import SizeReport
import SolderLinker

@testable import SolderCommandLine

/// What is text: names, command lines, response files, reports.
enum FuzzTexts {
  static func demangle(_ bytes: [UInt8]) {
    var demangler = Demangler()
    var first: [UInt8] = []
    var second: [UInt8] = []
    let isMangled = unsafe bytes.withUnsafeBufferPointer { unsafe demangler.demangle($0, into: &first) }
    // A demangler that has seen a name reads it as it did.
    let isMangledAgain = unsafe bytes.withUnsafeBufferPointer { unsafe demangler.demangle($0, into: &second) }
    FuzzTarget.require(isMangled == isMangledAgain && first == second, "a name is read in two ways")
    FuzzTarget.require(first.count <= 1 << 24, "\(first.count) bytes of \(bytes.count)")
  }

  /// Words with a zero byte between them. They do not name response files, since those are files.
  static func options(_ bytes: [UInt8]) {
    let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    let diagnostics = Diagnostics(sink: { _ in })
    let program = bytes.count % 3 == 0 ? "wasm-ld" : "solder"
    let request = readCommandLine(words.filter { !$0.hasPrefix("@") }, program: program, diagnostics: diagnostics)
    FuzzTarget.require(request != nil || diagnostics.hasErrors, "a command line is refused without a reason")
  }

  /// Each file is a response file, named by its number.
  static func response(_ bytes: [UInt8]) {
    let parts = FuzzFiles(bytes)
    for quoting in [ResponseFileQuoting.posix, .windows] {
      let expanded = try? ResponseFileExpansion.expand(["@0"], quoting: quoting) {
        name throws(ResponseFileExpansion.Failure) in
        guard let number = Int(name), parts.files.indices.contains(number) else { return nil }
        return parts.files[number].bytes
      }
      for part in parts.files {
        let words = quoting.words(part.bytes)
        FuzzTarget.require(words.count <= part.bytes.count + 1, "more words than bytes")
      }
      FuzzTarget.require((expanded?.count ?? 0) <= 1 << 22, "\(expanded?.count ?? 0) words")
    }
  }

  static func report(_ bytes: [UInt8]) {
    let reports = FuzzFiles(bytes).files.compactMap { file -> SizeReport? in
      if let value = try? JSONValue.read(file.bytes) {
        var text: [UInt8] = []
        value.write(to: &text)
        guard let again = try? JSONValue.read(text) else { fatalError("fuzz: JSON that was written is not read") }
        FuzzTarget.require(value == again, "JSON changes when it is written and read")
      }
      return try? SizeReport(json: file.bytes)
    }
    for report in reports { _ = ReportPage.page(of: report) }
    guard let first = reports.first, let last = reports.last else { return }
    _ = ReportPage.page(of: SizeDifference(first, last), first, last)
  }
}
