import Foundation

/// The command `calc`: one source file in, one WebAssembly module out.
@main
struct Calc {
  private static let usage = """
    usage: calc FILE.calc -o OUT.wasm [options]

      -o FILE                where to write the module
      --runtime-module NAME  import the runtime's functions from module NAME (default: env)
      --entry start          export the program as _start, for a WASI host to call (default)
      --entry section        run the program from the start section; the global main_done is then 1
      --export-table         export the table as __indirect_function_table
      --help                 show this text
    """

  private struct CommandLine {
    var source: String?
    var output: String?
    var options = ModuleGenerator.Options()
    var wantsHelp = false
  }

  private struct Failure: Error {
    var message: String
  }

  static func main() {
    do throws(Failure) {
      let commandLine = try parse(Array(ProcessInfo.processInfo.arguments.dropFirst()))
      if commandLine.wantsHelp {
        print(usage)
        return
      }
      guard let source = commandLine.source, let output = commandLine.output else {
        throw Failure(message: "a source file and -o OUT.wasm are needed\n\(usage)")
      }
      try compile(source, to: output, commandLine.options)
    } catch {
      FileHandle.standardError.write(Data("calc: error: \(error.message)\n".utf8))
      exit(1)
    }
  }

  private static func parse(_ arguments: [String]) throws(Failure) -> CommandLine {
    var commandLine = CommandLine()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help": commandLine.wantsHelp = true
      case "--export-table": commandLine.options.exportsTable = true
      case "-o", "--runtime-module", "--entry":
        guard let value = rest.popFirst() else { throw Failure(message: "\(argument) needs a value") }
        switch argument {
        case "-o": commandLine.output = value
        case "--runtime-module": commandLine.options.runtimeModule = value
        default:
          guard let entry = ModuleGenerator.Entry(rawValue: value) else {
            throw Failure(message: "--entry is 'start' or 'section', not '\(value)'")
          }
          commandLine.options.entry = entry
        }
      case _ where argument.hasPrefix("-"):
        throw Failure(message: "unknown option \(argument)")
      default:
        guard commandLine.source == nil else { throw Failure(message: "more than one source file: \(argument)") }
        commandLine.source = argument
      }
    }
    return commandLine
  }

  private static func compile(
    _ source: String, to output: String, _ options: ModuleGenerator.Options
  ) throws(Failure) {
    guard let bytes = FileManager.default.contents(atPath: source) else {
      throw Failure(message: "cannot read \(source)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(message: "\(source) is not UTF-8 text")
    }
    let module: [UInt8]
    do throws(CompileError) {
      let program = try Checker.check(try Parser.parse(try Lexer.tokens(of: text)))
      module = ModuleGenerator.module(program, options)
    } catch {
      throw Failure(message: "\(source):\(error.position.line):\(error.position.column): \(error.message)")
    }
    do {
      try Data(module).write(to: URL(fileURLWithPath: output), options: .atomic)
    } catch {
      throw Failure(message: "cannot write \(output): \(error.localizedDescription)")
    }
  }
}
