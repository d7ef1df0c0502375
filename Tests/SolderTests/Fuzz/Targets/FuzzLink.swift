import SolderCommandLine
import Synchronization
import WebAssemblyFormat

@testable import SolderLinker

/// A whole link, in memory.
struct FuzzLink {
  private let parts: FuzzFiles

  init(_ bytes: [UInt8]) { parts = FuzzFiles(bytes) }

  /// What a bit of the choices says.
  private static let words: [String] = [
    "--gc-sections", "--compress-relocations", "--icf=all", "--export-dynamic", "--allow-undefined", "--stack-first",
    "--emit-relocs", "--strip-all", "--build-id", "--shared-memory", "--export-all", "-O2", "--import-memory",
    "--export-table", "--unresolved-symbols=ignore-all", "--import-undefined",
  ]
  /// Words that go with some of them, so that the link gets further.
  private static let more: [String: [String]] = [
    "--shared-memory": ["--max-memory=1048576", "--no-check-features"]
  ]

  /// Words of which a file that begins with a dash has the numbers.
  private static let further: [String] = [
    "-shared", "-pie", "--experimental-pic", "--unresolved-symbols=import-dynamic", "--no-merge-data-segments",
    "--dl-openable-all", "--dl-init=start", "--stub-missing", "--stub=maybe=3", "--stub=other", "--wrap=f", "--wrap=g",
    "--export=f", "--export-if-defined=g", "--undefined=other_function", "--entry=_start", "--init-export=start",
    "-Bsymbolic", "--allow-multiple-definition", "--rename-export-conflicts", "--skip-export-conflicts",
    "--noinhibit-exec", "--strip-debug", "--no-strip-debug", "--keep-section=name", "--build-id=sha1", "--soname=s",
    "--initial-memory=131072", "--initial-heap=65536", "--max-memory=4294967296", "--no-growable-memory",
    "--global-base=4294967280", "--global-base=0", "--page-size=1", "--no-stack-first", "-zstack-size=4294967280",
    "-zstack-size=0", "--heap-base=70000", "--table-base=4294967295", "--table-base=3", "--growable-table",
    "--import-table", "-O0", "--icf=safe", "--no-gc-sections", "--features=atomics,bulk-memory,mutable-globals",
    "--extra-features=extended-const,exception-handling", "--no-check-features", "--compat=19", "--compat=21",
    "-mwasm64", "--no-shlib-sigcheck", "--unresolved-imports=error", "--host-module=env", "--error-limit=1",
    "--print-gc-sections", "--print-icf-sections", "--why-live=f", "--trace-symbol=f", "-t", "-M", "--stats",
    "-Map=/dev/null", "--why-extract=/dev/null", "--dependency-file=/dev/null", "--source-map-output=/dev/null",
    "--import-memory=m,n", "--export-memory=mem",
  ]

  private static let known = Mutex<[[String]: LinkOptions]>([:])

  private static func options(_ words: [String]) -> LinkOptions? {
    if let options = known.withLock({ $0[words] }) { return options }
    let arguments = words.flatMap { [$0] + (more[$0] ?? []) } + ["--no-entry", "-o", "fuzz.wasm", "--threads=1", "x"]
    guard case .link(let options, _) = readCommandLine(arguments, diagnostics: Diagnostics(sink: { _ in })) else {
      return nil
    }
    known.withLock { known in
      if known.count > 5000 { known = [:] }
      known[words] = options
    }
    return options
  }

  /// Links the files of the kinds that `isKept` names, and checks the result.
  func run(words extra: [String] = [], keeping isKept: (FileKind) -> Bool = { _ in true }) {
    var words =
      extra + FuzzLink.words.indices.filter { parts.choices >> UInt16($0) & 1 != 0 }.map { FuzzLink.words[$0] }
    for part in parts.files where part.bytes.first == UInt8(ascii: "-") {
      words += part.bytes.dropFirst().prefix(12).map { FuzzLink.further[Int($0) % FuzzLink.further.count] }
    }
    guard var options = FuzzLink.options(words) else { return }
    var kinds: [FileKind] = []
    options.inputs = parts.files.enumerated().compactMap { index, part -> InputArgument? in
      let contents = InputBytes(name: "\(index)", part.bytes)
      guard let file = try? InputFile(contents), let kind = try? FileKind.recognise(file.bytes), isKept(kind) else {
        return nil
      }
      // An object holds all of the memory that it declares, so that a small library may ask for gigabytes.
      if kind == .sharedLibrary, extra.contains("-r"), (try? DylinkSection(of: file))?.memorySize ?? 0 > 1 << 24 {
        return nil
      }
      kinds.append(kind)
      let module: String? = part.flags & 4 == 0 ? nil : ["env", "m", "n", ""][Int(part.flags >> 4) % 4]
      if part.flags & 8 != 0 {
        options.openableLibraries.append(.bytes(contents, moduleName: module))
        return nil
      }
      return InputArgument(
        .bytes(contents, moduleName: module), wholeArchive: part.flags & 1 != 0, lazy: part.flags & 2 != 0)
    }
    let diagnostics = Diagnostics(sink: { _ in })
    let result = linkInMemory(options, diagnostics)
    FuzzTarget.require((result == nil) == diagnostics.hasErrors, "neither a result nor an error")
    guard let bytes = result?.bytes else { return }
    check(bytes, options, kinds)
  }

  private func check(_ bytes: [UInt8], _ options: LinkOptions, _ kinds: [FileKind]) {
    // One link in sixteen once more, with threads.
    if parts.bytes.reduce(0, { $0 &+ $1 }) & 15 == 0 {
      var again = options
      again.threads = 3
      FuzzTarget.require(linkToBytes(again, Diagnostics(sink: { _ in })) == bytes, "another result with three threads")
    }
    // Code and contents of objects are copied as they are. What the linker itself writes it can read.
    let isFinished = kinds.allSatisfy { $0 == .sharedLibrary || $0 == .plainModule }
    if isFinished, !options.emitRelocations {
      do throws(FormatError) {
        _ = try FuzzReaders.read(InputFile(named: "result", bytes))
      } catch {
        fatalError("fuzz: the result is not read: \(error)")
      }
    }
    let files = parts.files.filter { $0.bytes.first != UInt8(ascii: "-") }
    guard isFinished, let isValid = unsafe FuzzTarget.isValid, files.allSatisfy({ isValid($0.bytes) }) else { return }
    FuzzTarget.require(isValid(bytes), "the result of valid inputs is not valid")
  }
}

extension InputFile {
  /// Bytes that are known to be few.
  fileprivate convenience init(named name: String, _ bytes: [UInt8]) {
    do {
      try self.init(InputBytes(name: name, bytes))
    } catch {
      fatalError("fuzz: \(error)")
    }
  }
}
