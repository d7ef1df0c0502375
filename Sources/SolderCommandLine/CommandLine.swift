import SolderLinker
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Solder's own version.
public let solderVersion = "0.2.0"

/// What a command line asks for.
public enum CommandLineRequest: Sendable {
  /// To print this text to standard output, and no more.
  case print(String)
  /// To link, after printing a text if there is one (`-v`).
  case link(LinkOptions, printing: String?)
}

/// Reads a command line.
/// - Parameters:
///   - arguments: the arguments after the program's name.
///   - program: the program's name, as the help shows it.
///   - diagnostics: where errors go; it is configured as the command line says.
/// - Returns: what to do; nil when the command line was wrong, which was reported.
public func readCommandLine(
  _ arguments: [String], program: String = "solder", diagnostics: Diagnostics
) -> CommandLineRequest? {
  let isOfWasmLD = program.hasPrefix("wasm-ld")
  let table = OptionTable(isOfWasmLD: isOfWasmLD)
  let quoting = responseFileQuoting(table, arguments, diagnostics)
  var expanded = arguments
  do throws(ResponseFileExpansion.Failure) {
    expanded = try ResponseFileExpansion.expand(arguments, quoting: quoting, read: readWholeFile)
  } catch {
    diagnostics.error(error.text)
    return nil
  }

  var reader = OptionReader(diagnostics: diagnostics)
  reader.options.speaksLikeWasmLD = isOfWasmLD
  if !isOfWasmLD, let text = unknownCommand(expanded) {
    diagnostics.error(text)
    return nil
  }
  let merged = MergeCommandLine.arguments(expanded, program: program)
  reader.options.mergesModules = merged != nil
  reader.read(merged.map { MergeCommandLine.parse($0, table, diagnostics) } ?? table.parse(expanded), table)
  if reader.options.reproduceFile == nil, let path = unsafe getenv("LLD_REPRODUCE") {
    reader.options.reproduceFile = unsafe String(cString: path)
  }

  switch reader.request {
  case .help(let hidden):
    return .print(
      merged == nil ? table.help(program: program, showsHidden: hidden) : MergeCommandLine.help(program: program))
  case .manual: return .print(table.manual())
  case .completions(let shell): return .print(table.completions(shell, program: program))
  case nil: break
  }
  // Build systems look for `LLD` to learn which options there are.
  let version = "Solder \(solderVersion) (compatible with LLD \(reader.options.compatibility.rawValue))\n"
  let versionStops = reader.options.compatibility.versionFlagStops
  if !versionStops { reader.checkImpliedImports() }
  if reader.printsVersion { return .print(version) }
  if reader.printsVersionFirst {
    let hasFiles = reader.options.inputs.contains { if case .library = $0.name { false } else { true } }
    if !hasFiles || versionStops { return .print(version) }
  }
  reader.options.versionText = version
  if versionStops { reader.checkImpliedImports() }
  reader.check()
  if diagnostics.hasErrors { return reader.printsVersionFirst ? .print(version) : nil }
  return .link(reader.options, printing: reader.printsVersionFirst ? version : nil)
}

/// Whether reports went to standard output in vain.
private final class LostReports: Sendable {
  private let first = Mutex<String?>(nil)

  var reason: String? { first.withLock { $0 } }

  func note(_ reason: String?) {
    guard let reason else { return }
    first.withLock { $0 = $0 ?? reason }
  }
}

/// What may stand in place of options and files.
private let commands = ["merge", "diff"]

/// What is wrong with a first word that is no file, and nearly one of the commands.
private func unknownCommand(_ arguments: [String]) -> String? {
  guard let word = arguments.first, !word.hasPrefix("-"), !commands.contains(word),
    unsafe access(word, F_OK) != 0
  else { return nil }
  let near = commands.first { editDistance(Array(word.utf8), Array($0.utf8), limit: 1) <= 1 }
  return near.map { "no such command: \(word), did you mean '\($0)'" }
}

/// Runs Solder as a program.
/// - Parameters:
///   - arguments: the command line, with the program's name at its head.
///   - isLast: whether the process ends then, so that memory need not be given back.
/// - Returns: the exit status, 0 or 1.
public func runSolder(_ arguments: [String], isLast: Bool = true) -> Int32 {
  let program = programName(arguments.first ?? "")
  let control = LinkControl()
  let progress = ProgressLine(program, control)
  let lost = LostReports()
  let diagnostics = Diagnostics(program: program) { message in
    guard let progress else { return lost.note(Diagnostics.deliver(message)) }
    progress.hide { lost.note(Diagnostics.deliver(message)) }
  }
  if arguments.dropFirst().first == "diff" {
    DiffCommandLine(diagnostics: diagnostics, program: program).run(Array(arguments.dropFirst(2)))
    return diagnostics.hasErrors ? 1 : 0
  }
  let request = readCommandLine(Array(arguments.dropFirst()), program: program, diagnostics: diagnostics)
  switch request {
  case .print(let text): diagnostics.print(text)
  case .link(let options, let text):
    if let text { diagnostics.print(text) }
    progress?.start()
    let result = link(options, diagnostics, control: control, isLast: isLast)
    progress?.end()
    if let reason = lost.reason { diagnostics.error("cannot write to standard output: \(reason)", .cannotWrite) }
    return result != nil && !diagnostics.hasErrors ? 0 : 1
  case nil: return 1
  }
  return diagnostics.hasErrors ? 1 : 0
}

/// The name that messages begin with: the last component of the path, so that a link named `wasm-ld` speaks like it.
func programName(_ path: String) -> String {
  let name = path.split(separator: "/").last.map(String.init) ?? "solder"
  return name.lowercased().hasSuffix(".exe") ? String(name.dropLast(4)) : name
}

/// The quoting that response files have; it must be known before they are read, so an option inside is too late.
private func responseFileQuoting(
  _ table: OptionTable, _ arguments: [String], _ diagnostics: Diagnostics
) -> ResponseFileQuoting {
  let last = table.parse(arguments).last {
    $0.spelling.hasSuffix("rsp-quoting=") || $0.spelling.hasSuffix("rsp-quoting")
  }
  switch last?.value {
  case "windows": return .windows
  case "posix", nil: return .posix
  case let other?:
    diagnostics.error("invalid response file quoting: \(other)")
    return .posix
  }
}

/// The contents of a file, nil when there is none of this name.
func readWholeFile(_ path: String) throws(ResponseFileExpansion.Failure) -> [UInt8]? {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  if descriptor < 0 {
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw ResponseFileExpansion.Failure(text: unsafe "cannot open file '\(path)': \(String(cString: strerror(errno)))")
  }
  defer { close(descriptor) }
  var text: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe read(descriptor, &buffer, buffer.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw ResponseFileExpansion.Failure(
        text: unsafe "cannot read file '\(path)': \(String(cString: strerror(errno)))")
    }
    if count == 0 { return text }
    text += buffer[..<count]
    // Nobody writes a gigabyte of arguments; a device may never end.
    guard text.count <= 1 << 30 else {
      throw ResponseFileExpansion.Failure(text: "response file '\(path)' is larger than a gigabyte")
    }
  }
}
