import CSolder
import SolderCommandLine
import SolderLinker
import Synchronization

/// A link as C sees it: arguments and bytes in the order in which they came, and who gets messages.
final class LinkObject {
  private enum Entry {
    case arguments([String])
    case bytes(InputBytes, moduleName: String?)
  }

  /// Who gets messages: a function of C with its context, which the caller keeps alive and lets threads use.
  @safe
  struct Callback: @unchecked Sendable {
    let function: solder_diagnostic_callback
    let context: UnsafeMutableRawPointer?
  }

  private var entries: [Entry] = []
  private var hasRun = false
  var callback: Callback?
  let control = LinkControl()

  /// Whether arguments may still be added.
  var isOpen: Bool { !hasRun }

  func add(_ arguments: [String]) { entries.append(.arguments(arguments)) }

  func add(_ bytes: InputBytes, moduleName: String?) { entries.append(.bytes(bytes, moduleName: moduleName)) }

  /// In place of an input that is no file, in a row of arguments: no path has a null byte.
  private static let placeholder = "\0"

  /// Runs the link.
  ///
  /// - Returns: what came of it, with a result if that is ``SOLDER_OK``.
  func run(writesFile: Bool) -> (status: solder_status, result: LinkResult?) {
    guard !hasRun else { return (SOLDER_INVALID_ARGUMENT, nil) }
    hasRun = true
    let diagnostics = makeDiagnostics()
    // In memory, the name of the file only names the module.
    var arguments = writesFile ? [] : ["-o", "module.wasm"]
    for (index, entry) in entries.enumerated() {
      switch entry {
      case .arguments(let words): arguments += words
      case .bytes: arguments.append(LinkObject.placeholder + String(index))
      }
    }
    switch readCommandLine(arguments, diagnostics: diagnostics) {
    case nil: return (SOLDER_FAILED, nil)
    case .print(let text):
      diagnostics.message(text)
      return (SOLDER_PRINTED, nil)
    case .link(var options, let text):
      if let text { diagnostics.message(text) }
      for index in options.inputs.indices { replacePlaceholder(&options.inputs[index]) }
      for index in options.commandLine.indices { replacePlaceholder(&options.commandLine[index]) }
      let result =
        writesFile
        ? link(options, diagnostics, control: control) : linkInMemory(options, diagnostics, control: control)
      if let result, !diagnostics.hasErrors { return (SOLDER_OK, result) }
      return (control.isCancelled ? SOLDER_CANCELLED : SOLDER_FAILED, nil)
    }
  }

  private func replacePlaceholder(_ input: inout InputArgument) {
    guard case .file(let text) = input.name, let (bytes, moduleName) = inputBytes(placeholder: text) else { return }
    input.name = .bytes(bytes, moduleName: moduleName)
  }

  /// In what a reproduction repeats, an input has its name.
  private func replacePlaceholder(_ argument: inout CommandLineArgument) {
    guard case .input(let text) = argument, let (bytes, moduleName) = inputBytes(placeholder: text) else { return }
    argument = .input((moduleName.map { $0 + "=" } ?? "") + bytes.name)
  }

  private func inputBytes(placeholder text: String) -> (InputBytes, moduleName: String?)? {
    guard text.hasPrefix(LinkObject.placeholder), let index = Int(text.dropFirst()), entries.indices.contains(index),
      case .bytes(let bytes, let moduleName) = entries[index]
    else { return nil }
    return (bytes, moduleName)
  }

  private func makeDiagnostics() -> Diagnostics {
    guard let callback else { return Diagnostics() }
    return Diagnostics { message in
      let strings = CStrings()
      let severity: solder_severity =
        switch message.severity {
        case .error: SOLDER_ERROR
        case .warning: SOLDER_WARNING
        case .note: SOLDER_NOTE
        case .log: SOLDER_LOG
        }
      var diagnostic = unsafe solder_diagnostic(
        severity: severity, code: strings.add(message.code.rawValue), text: strings.add(message.text),
        message: strings.add(message.message), notes: strings.add(message.notes), note_count: message.notes.count,
        symbol: message.symbol.map { unsafe strings.add($0) }, files: strings.add(message.files),
        file_count: message.files.count, offset: Int64(message.offset ?? -1))
      unsafe callback.function(callback.context, &diagnostic)
      withExtendedLifetime(strings) {}
    }
  }
}

/// A result as C sees it.
@safe
final class ResultObject {
  let result: LinkResult
  private let strings = CStrings()
  private let bytes: UnsafeMutableBufferPointer<UInt8>?
  let imports: [(module: UnsafePointer<CChar>, name: UnsafePointer<CChar>)]
  let exports: [UnsafePointer<CChar>]
  private var writtenMap: UnsafePointer<CChar>?

  init(_ result: LinkResult) {
    self.result = result
    let strings = self.strings
    unsafe bytes = result.bytes.map { bytes in
      let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
      _ = unsafe copy.initialize(from: bytes)
      return unsafe copy
    }
    unsafe imports = unsafe result.imports.map { unsafe (strings.add($0.module), strings.add($0.name)) }
    unsafe exports = unsafe result.exports.map { unsafe strings.add($0.name) }
  }

  deinit { unsafe bytes?.deallocate() }

  var start: UnsafePointer<UInt8>? { unsafe bytes.flatMap { unsafe $0.baseAddress.map { unsafe UnsafePointer($0) } } }

  /// The map, made when it is asked for.
  var map: UnsafePointer<CChar>? {
    if unsafe writtenMap == nil { unsafe writtenMap = result.map.map { unsafe strings.add($0) } }
    return unsafe writtenMap
  }
}
