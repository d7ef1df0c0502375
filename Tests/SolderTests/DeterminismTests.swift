import Foundation
import Testing

/// Nothing but inputs and options decides about a byte of the result.
@Suite struct DeterminismTests {
  @Test func surroundingsDoNotMatter() async throws {
    let chain = Toolchain.shared
    let sources = (0..<6).map {
      "int value\($0) = \($0); extern int value\(($0 + 1) % 6); int f\($0)(void) { return value\(($0 + 1) % 6); }"
    }
    var objects: [[UInt8]] = []
    for (index, source) in sources.enumerated() {
      objects.append(try contents(of: await chain.compiled("part\(index)", source, Toolchain.freestanding + ["-g"])))
    }
    let names = (0..<6).map { "part\($0).o" }
    /// A folder whose entries were made in this order.
    func folder(_ order: [Int]) throws -> TemporaryFolder {
      let folder = try TemporaryFolder()
      for index in order { try folder.write(objects[index], to: names[index]) }
      return folder
    }
    let words = names + ["--no-entry", "--export-all", "-Map=map", "--size-report=size.json", "-o", "out"]
    func result(
      _ folder: TemporaryFolder, _ more: [String] = [], wrapper: [String] = [], environment: [String: String] = [:]
    ) async throws -> [[UInt8]] {
      let command = wrapper + [Solder.path] + words + more
      let run = try await execute(command[0], Array(command.dropFirst()), in: folder.path, environment: environment)
      #expect(run.succeeded, "\(run.errors)")
      return try ["out", "map", "size.json"].map { try contents(of: folder.file($0)) }
    }
    let expected = try await result(folder([0, 1, 2, 3, 4, 5]), ["--threads=1"])
    for threads in [2, 3, 8, 64] {
      #expect(try await result(folder([0, 1, 2, 3, 4, 5]), ["--threads=\(threads)"]) == expected, "\(threads) threads")
    }
    #expect(try await result(folder([5, 3, 1, 0, 2, 4])) == expected, "order of the folder")
    for variables in [
      ["LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"], ["TZ": "Pacific/Apia"], ["SOURCE_DATE_EPOCH": "1"],
      ["TMPDIR": "/nowhere", "HOME": "/nowhere"], ["MALLOC_PERTURB_": "165"],
    ] {
      #expect(try await result(folder([0, 1, 2, 3, 4, 5]), environment: variables) == expected, "\(variables)")
    }
    // The address space is laid out anew each time; without that it is always the same.
    for _ in 0..<5 { #expect(try await result(folder([0, 1, 2, 3, 4, 5])) == expected) }
    #if os(Linux)
      let machine = try await require("/bin/uname", ["-m"]).trimmingCharacters(in: .whitespacesAndNewlines)
      if FileManager.default.isExecutableFile(atPath: "/usr/bin/setarch") {
        let fixed = try await result(folder([0, 1, 2, 3, 4, 5]), wrapper: ["/usr/bin/setarch", machine, "-R"])
        #expect(fixed == expected, "a fixed address space")
      }
    #endif
  }
}
