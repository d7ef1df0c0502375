import Dispatch
import Foundation

/// Writes the inputs of one benchmark case into a folder.
@main
enum GenerateInputs {
  private static let usage = """
    usage: generate-inputs KIND --output FOLDER [--files N] [--functions N] [--counts N,N,…] [--seed N] [--debug]

    KIND: objects    N objects, and a main-COUNT.o with the start of the program of the first COUNT
          templates  N objects of C++ with instantiations of templates in COMDATs, and main-N.o
          archives   N members in four archives, a tenth of which main-N.o needs
          libraries  the position-independent objects of twelve shared libraries, N in all, and main-N.o
          program    a whole module program.wasm of --functions functions, the same as program.o, and the
                     position-independent objects of a library, N - 1 in all
          chain      N shared libraries, each of which needs the ten behind it
          mutual     N shared libraries, each of which needs all others
          elements   a shared library of N element segments
          sections   an object of N custom sections, each in a COMDAT group of its own

    --functions N    functions in each object (100; of `program`: in the whole module)
    --counts N,…     make a start for each of these counts of objects, multiples of 500 (default: all objects)
    --debug          with debug information
    """

  static func main() throws {
    var program = Program()
    var kind = ""
    var folder = ""
    var functions: Int?
    var counts: [Int] = []
    var arguments = CommandLine.arguments.dropFirst()
    func value(_ option: String) -> String {
      guard let value = arguments.popFirst() else { fail("\(option) needs a value") }
      return value
    }
    func number(_ option: String) -> Int {
      guard let number = Int(value(option)), number > 0, number <= 1_000_000 else {
        fail("\(option) needs a number from 1 to 1000000")
      }
      return number
    }
    while let argument = arguments.popFirst() {
      switch argument {
      case "--output": folder = value(argument)
      case "--files": program.files = number(argument)
      case "--functions": functions = number(argument)
      case "--seed": program.seed = UInt64(number(argument))
      case "--debug": program.debug = true
      case "--counts":
        counts = value(argument).split(separator: ",").compactMap { Int($0) }
      case "--help":
        print(usage)
        return
      default:
        guard kind.isEmpty, !argument.hasPrefix("-") else { fail("unknown argument \(argument)\n\(usage)") }
        kind = argument
      }
    }
    guard !folder.isEmpty else { fail("no --output\n\(usage)") }
    let output = URL(fileURLWithPath: folder)
    try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
    program.functionsPerFile = functions ?? 100

    switch kind {
    case "objects": break
    case "templates": program = templates(program)
    case "archives": program = archives(program)
    case "libraries": program = libraries(program)
    case "program": return try writeWholeProgram(wholeProgram(program, functions: functions ?? 70_000), to: output)
    case "chain", "mutual", "elements", "sections":
      for (name, bytes) in ManyParts.files(kind, count: program.files) { try write(bytes, name, to: output) }
      return
    default: fail("no kind \(kind)\n\(usage)")
    }
    for count in counts.isEmpty ? [program.files] : counts {
      try write(Unit.mainObject(program, count: min(count, program.files)), "main-\(count).o", to: output)
    }
    if kind == "archives" { try writeArchives(program, to: output) } else { try writeObjects(program, to: output) }
  }

  private static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("generate-inputs: error: \(message)\n".utf8))
    exit(1)
  }

  // MARK: Shapes

  private static func templates(_ program: Program) -> Program {
    var program = program
    program.cxxPercent = 100
    program.functionsPerFile = program.functionsPerFile * 4 / 10
    program.templates = max(24, program.files * 3)
    program.templatesPerFile = 14
    program.block = program.files
    return program
  }

  private static func archives(_ program: Program) -> Program {
    var program = program
    program.functionsPerFile = max(10, program.functionsPerFile / 8)
    program.block = program.files
    program.stride = 10
    return program
  }

  private static func libraries(_ program: Program) -> Program {
    var program = program
    program.style = .positionIndependent
    program.block = program.files
    program.library = (program.files + 11) / 12
    return program
  }

  private static func wholeProgram(_ program: Program, functions: Int) -> Program {
    var program = program
    program.wholeProgramFunctions = functions
    program.functionsPerFile = 100
    program.style = .positionIndependent
    program.block = program.files
    return program
  }

  // MARK: Files

  private static func write(_ bytes: [UInt8], _ name: String, to folder: URL) throws {
    try Data(bytes).write(to: folder.appendingPathComponent(name))
  }

  /// Runs `body` for each number on all processors.
  private static func concurrently(_ count: Int, _ body: @Sendable (Int) throws -> Void) {
    DispatchQueue.concurrentPerform(iterations: count) { number in
      do { try body(number) } catch { fail("\(error)") }
    }
  }

  private static func objectName(_ file: Int) -> String {
    "file" + String(repeating: "0", count: max(0, 5 - "\(file)".count)) + "\(file).o"
  }

  private static func writeObjects(_ program: Program, from first: Int = 0, to folder: URL) throws {
    concurrently(program.files - first) { number in
      let file = first + number
      try write(Unit.object(program, file: file), objectName(file), to: folder)
    }
  }

  private static func writeArchives(_ program: Program, to folder: URL) throws {
    let archives = 4
    concurrently(archives) { archive in
      var members: [Archive.Member] = []
      for file in stride(from: archive, to: program.files, by: archives) {
        var unit = Unit(program, file: file)
        unit.writeFile()
        let contents = unit.builder.object()
        let symbols = unit.builder.symbols.filter { symbol in
          if case .section = symbol.kind { return false }
          return symbol.isDefined && !symbol.flags.contains(.local)
        }
        let name = file % 3 == 0 ? "component_with_a_long_name_\(file).cpp.o" : objectName(file)
        members.append(Archive.Member(name: name, contents: contents, symbols: symbols.map(\.name)))
      }
      try write(Archive.bytes(members), "libpart\(archive).a", to: folder)
    }
  }

  private static func writeWholeProgram(_ program: Program, to folder: URL) throws {
    try writeObjects(program, from: 1, to: folder)
    try write(Unit.wholeProgram(program, style: .module), "program.wasm", to: folder)
    try write(Unit.wholeProgram(program, style: .absolute), "program.o", to: folder)
  }
}
