import Foundation

/// Measures solder against its peers. Scripts/bench builds everything and starts this with the tools in the environment.
@main
enum RunBenchmark {
  private static let usage = """
    usage: bench [--quick] [--rounds N] [--markdown FILE] [CASE…]

    --quick          small inputs, one run each: checks results, measures nothing
    --rounds N       runs of each command (5); the first one, which checks, is not counted
    --markdown FILE  write the tables to FILE, too
    CASE             1 objects, 2 debug information, 3 archives, 4 C++, 5 shared libraries, 6 plain module,
                     7 compressed, 8 hello world, 9 growth, 10 real programs from libraries, 11 CPython,
                     12 libraries lifted to objects (default: all)

    Environment: SOLDER, WASM_LD, WASM_MERGE, CLANG, WASI_SYSROOT: other programs and folders to use.
    """

  static func main() {
    var options = BenchmarkOptions()
    var markdown: String?
    var arguments = CommandLine.arguments.dropFirst()
    while let argument = arguments.popFirst() {
      switch argument {
      case "--quick": options.isQuick = true
      case "--rounds":
        guard let rounds = arguments.popFirst().flatMap({ Int($0) }), rounds > 0 else {
          fail("--rounds needs a number")
        }
        options.rounds = rounds
      case "--markdown":
        guard let file = arguments.popFirst() else { fail("--markdown needs a file") }
        markdown = file
      case "--help", "-h":
        print(usage)
        return
      default:
        guard let number = Int(argument), (1...12).contains(number) else {
          fail("unknown argument \(argument)\n\(usage)")
        }
        options.numbers.append(number)
      }
    }
    do {
      let tools = try Tools()
      var report = Report(options, tools)
      for benchmark in Benchmark.all(options, tools) where options.includes(benchmark.number) {
        try Runner(options, tools).run(benchmark, &report)
      }
      report.addGrowth()
      if options.includes(8), tools.clang == nil || tools.wasiTarget == nil {
        report.add(problem: "8. hello world: there is no clang or no wasi-libc")
      }
      if Benchmark.all(options, tools).allSatisfy({ $0.number < 10 }), (10...12).contains(where: options.includes) {
        report.add(problem: "10 to 12: there is no clang, wasi-libc, or what Scripts/prerequisites brings")
      }
      print(report.text)
      if let markdown { try report.markdown.write(toFile: markdown, atomically: true, encoding: .utf8) }
      exit(report.problems.isEmpty ? 0 : 1)
    } catch {
      fail("\(error)")
    }
  }

  private static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("bench: error: \(message)\n".utf8))
    exit(2)
  }
}

struct BenchmarkOptions {
  var isQuick = false
  var rounds = 5
  /// The cases asked for; none means all.
  var numbers: [Int] = []

  func includes(_ number: Int) -> Bool { numbers.isEmpty || numbers.contains(number) }
}

/// What goes wrong in a way that ends the benchmark, not just a check.
struct BenchmarkError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
