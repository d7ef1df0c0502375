import Foundation
import Testing

/// Cut and damaged inputs of every kind: the linker ends by itself, with a result or with a message, never with a signal.
@Suite struct CorruptionTests {
  enum Kind: String, CaseIterable, Sendable { case object, archive, thinArchive, library, plainModule, richModule }

  /// An input of the kind, small enough to try every length, and the arguments that link it with what stands around it.
  private func sample(_ kind: Kind) async throws -> (bytes: [UInt8], others: [String]) {
    let chain = Toolchain.shared
    let flags = Toolchain.freestanding
    let source = """
      extern int other; int value = 3; int *pointers[2] = {&value, &other}; static const char text[] = "text";
      int other_function(int); int (*functions[2])(int) = {other_function, 0};
      __attribute__((constructor)) static void construct(void) { value++; }
      int f(int x) { return functions[x & 1](x) + *pointers[x & 1] + text[x & 3]; }
      """
    let main =
      "int other = 4; int other_function(int x) { return -x; } int f(int); void _start(void) { f(1); }"
    let mainObject = try await chain.compiled("main", main, flags)
    switch kind {
    case .object: return (try contents(of: try await chain.compiled("sample", source, flags + ["-g"])), [mainObject])
    case .archive:
      return (
        try contents(of: try await chain.archive("libsample.a", [chain.compiled("sample", source, flags)])),
        [mainObject]
      )
    case .thinArchive:
      let archive = try await chain.archive("libthin.a", [chain.compiled("sample", source, flags)], options: ["--thin"])
      return (try contents(of: archive), [mainObject])
    case .library:
      let library = try await chain.sharedLibrary(
        "libsample.so", [chain.compiled("sample", source, flags + libraryFlags)])
      return (try contents(of: library), [mainObject])
    case .plainModule:
      return (try contents(of: try await chain.assembled("sample.wasm", LonePlainModuleTests.samples[0].text)), [])
    case .richModule:
      let sample = try #require(LonePlainModuleTests.samples.first { $0.name == "garbage collected types" })
      return (try contents(of: try await chain.assembled("sample.wasm", sample.text)), [])
    }
  }

  /// Links every case and expects exit code 0 with an output or 1 without one.
  private func tryAll(_ cases: [(name: String, bytes: [UInt8])], _ others: [String]) async throws -> (
    linked: Int, refused: Int
  ) {
    let folder = try TemporaryFolder()
    var linked = 0
    var refused = 0
    try await withThrowingTaskGroup(of: ProcessRun.Ending.self) { group in
      for (name, bytes) in cases {
        group.addTask {
          let input = try folder.write(bytes, to: name)
          let output = folder.file(name + ".out")
          let run = try await execute(Solder.path, others + [input, "-o", output], timeLimit: .seconds(10))
          let exists = FileManager.default.fileExists(atPath: output)
          switch run.ending {
          case .exit(0): #expect(exists, "\(name): success without an output")
          case .exit(1):
            #expect(!exists, "\(name): an output in spite of an error")
            #expect(run.errors.hasPrefix("solder: "), "\(name): \(run.errors.prefix(300))")
          default: Issue.record("\(name) ends with \(run.ending): \(run.errors.prefix(600))")
          }
          for file in [input, output] where FileManager.default.fileExists(atPath: file) {
            try FileManager.default.removeItem(atPath: file)
          }
          return run.ending
        }
      }
      for try await ending in group {
        if ending == .exit(0) { linked += 1 }
        if ending == .exit(1) { refused += 1 }
      }
    }
    return (linked, refused)
  }

  @Test(arguments: Kind.allCases) func theWholeSampleLinks(_ kind: Kind) async throws {
    let (bytes, others) = try await sample(kind)
    let folder = try TemporaryFolder()
    _ = try await linkApart(others + [folder.write(bytes, to: "whole")])
  }

  @Test(arguments: Kind.allCases) func everyPrefix(_ kind: Kind) async throws {
    let (bytes, others) = try await sample(kind)
    // Every length of the first 300 bytes, then every seventh, so that each section is cut in several places.
    let lengths = (0..<bytes.count).filter { $0 < 300 || $0 % 7 == 0 }
    let counts = try await tryAll(lengths.map { ("\(kind)-\($0)", Array(bytes.prefix($0))) }, others)
    #expect(counts.linked + counts.refused == lengths.count)
    #expect(counts.refused > lengths.count / 4, "a cut file is hardly ever refused")
  }

  @Test(arguments: Kind.allCases) func damagedBytes(_ kind: Kind) async throws {
    let (bytes, others) = try await sample(kind)
    var generator = SplitMix(seed: 20_240_229)
    var cases: [(name: String, bytes: [UInt8])] = []
    for number in 0..<150 {
      var damaged = bytes
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        let position = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: damaged[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        // Numbers that are large, negative or never end are the dangerous ones.
        case 2: damaged[position] = [0x7f, 0x80, 0xff, 0x00, 0x40].randomElement(using: &generator) ?? 0
        default:
          let run: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f]
          for (offset, byte) in run.enumerated() where position + offset < damaged.count {
            damaged[position + offset] = byte
          }
        }
      }
      cases.append(("\(kind)-\(number)", damaged))
    }
    let counts = try await tryAll(cases, others)
    #expect(counts.linked + counts.refused == cases.count)
  }
}
