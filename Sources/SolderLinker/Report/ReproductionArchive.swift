import SystemPackage
import WebAssemblyFormat

// Everything that a link reads, in one archive (`--reproduce`): the command line as a response file, the linker's
// version, and the inputs under their absolute paths, so that `cd NAME && solder @response.txt` repeats the link
// anywhere.
//
// The archive is in the format of POSIX `pax` (IEEE Std 1003.1, pax, "ustar Interchange Format"): a header of 512 bytes
// in front of each file, which is filled up to a multiple of 512 bytes. Names beyond a hundred bytes stand in an extended
// header in front of that.
struct ReproductionArchive {
  private let options: LinkOptions
  /// What the link has read.
  private let paths: Set<String>
  private var tar = ByteWriter()
  /// Files that could be read before, or that are there, and cannot be read now.
  private(set) var unreadable: [(path: String, error: Errno)] = []

  /// Collects the files of a link.
  init(_ options: LinkOptions, _ inputs: Inputs) {
    self.options = options
    paths = Set(inputs.paths)
    let stem = FilePath(options.reproduceFile ?? "").lastComponent?.stem ?? "repro"
    append("\(stem)/response.txt", Array(responseFile().utf8))
    append("\(stem)/version.txt", Array(options.versionText.utf8))
    // What the link has read is archived as it was read.
    let opened = Dictionary(
      inputs.files.filter(\.isFile).map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    for path in options.allowUndefinedFiles + inputs.importLists + inputs.paths {
      do throws(Errno) {
        let file: InputFile
        if let known = opened[path] { file = known } else { file = try InputFile(path: path) }
        append("\(stem)/\(ReproductionArchive.relativeToRoot(path))", Array(file.bytes))
      } catch .noSuchFileOrDirectory {
        // A member of a thin archive that the link may not need, or what has been reported.
        continue
      } catch {
        unreadable.append((path, error))
      }
    }
    for file in inputs.files where !file.isFile {
      append("\(stem)/\(ReproductionArchive.relativeToRoot(file.path))", Array(file.bytes))
    }
    tar.raw([UInt8](repeating: 0, count: 1024))
  }

  /// Writes the archive.
  ///
  /// - Throws: what the system says.
  func write(to path: String) throws(Errno) { try OutputFile.write(tar.bytes, to: path) }

  // MARK: The command line

  private func responseFile() -> String {
    var lines = ""
    for argument in options.commandLine {
      switch argument {
      case .input(let text): lines += quoted(archived(text))
      // The folder of the output does not exist where the link is repeated.
      case .output(let path): lines += "-o " + quoted(FilePath(path).lastComponent?.string ?? path)
      case .option(let spelling, nil, _): lines += spelling
      case .option(let spelling, let text?, let joined)
      where spelling.hasPrefix("--dl-openable") || ["-source-map", "-source-map="].contains(where: spelling.hasSuffix):
        lines += spelling + (joined ? "" : " ") + quoted(archived(text))
      case .option(let spelling, let value?, let joined): lines += spelling + (joined ? "" : " ") + quoted(value)
      }
      lines += "\n"
    }
    return lines
  }

  /// An input, `FILE` or `NAME=FILE`, by the file's place in the archive.
  private func archived(_ text: String) -> String {
    let (name, path) = InputArgument.splitModuleName(text) { paths.contains($0) }
    return (name.map { (paths.contains($0) ? ReproductionArchive.relativeToRoot($0) : $0) + "=" } ?? "")
      + ReproductionArchive.relativeToRoot(path)
  }

  private func quoted(_ text: String) -> String { text.contains(" ") ? "\"\(text)\"" : text }

  /// The absolute path without the slash at its head.
  private static func relativeToRoot(_ path: String) -> String {
    guard var absolute = FilePath(path).absolute else { return path }
    absolute.root = nil
    return absolute.string
  }

  // MARK: The archive

  private mutating func append(_ name: String, _ content: [UInt8]) {
    if name.utf8.count > 100 {
      // A record begins with its own length, which counts itself.
      let record = " path=\(name)\n"
      var length = record.utf8.count + 1
      while String(length).utf8.count + record.utf8.count != length { length += 1 }
      appendEntry("", type: "x", Array("\(length)\(record)".utf8))
    }
    appendEntry(name, type: "0", content)
  }

  private mutating func appendEntry(_ name: String, type: Character, _ content: [UInt8]) {
    var header = ByteWriter(capacity: 512)
    func octal(_ value: Int, digits: Int) -> String {
      let text = String(value, radix: 8)
      return String(repeating: "0", count: max(0, digits - text.count)) + text + "\0"
    }
    func field(_ text: String, _ width: Int) {
      let bytes = Array(text.utf8.prefix(width))
      header.raw(bytes + [UInt8](repeating: 0, count: width - bytes.count))
    }
    field(name, 100)
    field("0000664", 8)
    field("", 16)  // Owner and group.
    field(octal(content.count, digits: 11), 12)
    field("", 12)  // Time: the same link always gives the same archive.
    field("        ", 8)  // The checksum counts as spaces.
    field(String(type), 1)
    field("", 100)
    field("ustar", 6)
    field("00", 249)  // The version of the format; the other fields are empty.
    let sum = header.bytes.reduce(0) { $0 + Int($1) }
    var bytes = header.bytes
    bytes.replaceSubrange(148..<156, with: Array((octal(sum, digits: 6) + " ").utf8))
    tar.raw(bytes)
    tar.raw(content)
    tar.raw([UInt8](repeating: 0, count: (512 - content.count % 512) % 512))
  }
}
