#if os(Linux)
  import Foundation
  import Testing

  /// What the system refuses, at every place where a link asks it for something; and links that are killed, or that meet
  /// others. Files with the names of what is written are there before, and each is afterwards what it was or what it is to
  /// be; nothing else is left.
  @Suite(.serialized) struct FaultInjectionTests {
    /// A link that writes files.
    struct Sample: Sendable, CustomTestStringConvertible {
      let name: String
      let arguments: [String]
      /// What it writes, the result first.
      let outputs: [String]
      /// Those of them that tell times.
      var unsteady: Set<String> = []

      var testDescription: String { name }
    }

    static let samples = [
      Sample(name: "program", arguments: ["first.o", "second.o", "-o", "out"], outputs: ["out"]),
      Sample(
        name: "all that can be written",
        arguments: [
          "--threads=1", "first.o", "second.o", "-o", "out", "-Map=map", "--dependency-file=list",
          "--size-report=size.json", "--why-extract=why", "--source-map-output=lines", "--time-trace=times",
        ], outputs: ["out", "map", "list", "size.json", "why", "lines", "times"], unsteady: ["times"]),
      Sample(
        name: "reproduction", arguments: ["--threads=1", "@words", "-o", "out", "--reproduce=all.tar"],
        outputs: ["out", "all.tar"], unsteady: ["all.tar"]),
      Sample(
        name: "library and archive",
        arguments: ["--threads=2", "second.o", "-L.", "-lfirst", "rest.a", "--no-entry", "--export-all", "-o", "out"],
        outputs: ["out"]),
      Sample(name: "object", arguments: ["--threads=1", "-r", "first.o", "second.o", "-o", "out"], outputs: ["out"]),
    ]

    private static let calls: [(name: String, errors: [Int32])] = [
      ("open", [EACCES, EMFILE]), ("close", [EIO]), ("read", [EIO, EINTR]), ("fstat", [EIO]), ("stat", [EACCES]),
      ("access", [EACCES]), ("mmap", [ENOMEM]), ("pwrite", [ENOSPC, EINTR, 0]), ("write", [ENOSPC, EINTR]),
      ("posix_fallocate", [ENOSPC, EOPNOTSUPP]), ("rename", [EACCES]), ("linkat", [EACCES, ENOENT]), ("dup", [EMFILE]),
      ("unlink", [EACCES]), ("getcwd", [EACCES]), ("pthread_create", [EAGAIN]),
    ]

    private static let old = Array("old".utf8)

    /// The inputs, by their names in each folder.
    private func inputs() async throws -> [(name: String, bytes: [UInt8])] {
      let chain = Toolchain.shared
      let first = "extern int other; int *pointers[2] = {&other, &other}; int f(int x) { return *pointers[x & 1]; }"
      let second = "int other = 4; int zeros[1000]; int f(int); void _start(void) { zeros[2] = f(1); }"
      let flags = Toolchain.freestanding + ["-g"]
      let object = try await chain.compiled("first", first, flags)
      return [
        ("first.o", try contents(of: object)),
        ("second.o", try contents(of: await chain.compiled("second", second, flags))),
        ("rest.a", try contents(of: await chain.archive("rest.a", [object]))),
        (
          "libfirst.so",
          try contents(
            of: await chain.sharedLibrary("libfirst.so", [chain.compiled("first", first, flags + libraryFlags)]))
        ),
        ("words", Array("first.o \"second.o\"".utf8)),
      ]
    }

    /// A folder with the inputs, and with old files under the names of the outputs.
    private func folder(
      _ sample: Sample, _ inputs: [(name: String, bytes: [UInt8])]
    ) throws -> TemporaryFolder {
      let folder = try TemporaryFolder()
      for input in inputs { try folder.write(input.bytes, to: input.name) }
      for output in sample.outputs { try folder.write(Self.old, to: output) }
      return folder
    }

    /// What is in the folder and was not put there.
    private func strange(
      _ folder: TemporaryFolder, _ sample: Sample, _ inputs: [(name: String, bytes: [UInt8])]
    ) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { name in
        !inputs.contains { $0.name == name } && !sample.outputs.contains(name)
      }
    }

    @Test(arguments: samples) func everyCallThatFails(_ sample: Sample) async throws {
      let faults = try TemporaryFolder()
      let library = faults.file("faults.so")
      try await require(
        Tool.clang.path(),
        ["-shared", "-fPIC", "-O1", Repository.root + "/Tests/Tools/faults.c", "-o", library, "-ldl"])
      let inputs = try await inputs()

      func run(_ call: String, _ number: Int, _ error: Int32) async throws -> (
        run: ProcessRun, files: [String: [UInt8]], strange: [String], calls: Int
      ) {
        let folder = try folder(sample, inputs)
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let log = faults.file("log-\(call)-\(number)-\(error)")
        let environment = [
          "LD_PRELOAD": library, "FAULT_CALL": call, "FAULT_NUMBER": String(number), "FAULT_ERROR": String(error),
          "FAULT_LOG": log,
        ]
        let run = try await execute(
          Solder.path, sample.arguments, in: folder.path, environment: environment, timeLimit: .seconds(60))
        var files: [String: [UInt8]] = [:]
        for output in sample.outputs { files[output] = try contents(of: folder.file(output)) }
        let calls = (try? contents(of: log))?.count ?? 0
        return (run, files, try strange(folder, sample, inputs), calls)
      }

      let sound = try await run("none", 0, 0)
      try #require(sound.run.succeeded, "\(sound.run.errors)")
      var survived = 0
      for (call, errors) in Self.calls {
        let count = try await run(call, 0, 0).calls
        for error in errors {
          for number in 1..<(count + 1) {
            let result = try await run(call, number, error)
            let what = "call \(number) of \(call), error \(error): \(result.run.errors)"
            #expect(result.strange == [], "\(what)")
            switch result.run.ending {
            case .exit(0):
              for (output, bytes) in result.files {
                if sample.unsteady.contains(output) {
                  #expect(bytes != Self.old, "\(output) was not written, \(what)")
                } else {
                  #expect(bytes == sound.files[output], "\(output) is wrong, \(what)")
                }
              }
            case .exit(1):
              #expect(result.run.errors.hasPrefix("solder: error: "), "\(what)")
              // A library that cannot be seen is searched for elsewhere.
              let reason = call == "access" ? "unable to find library" : unsafe String(cString: strerror(error))
              #expect(result.run.errors.contains(reason), "\(what)")
              #expect(result.files[sample.outputs[0]] == Self.old, "the result, \(what)")
              // The report of a failed link tells of that.
              for output in sample.outputs.dropFirst()
              where !sample.unsteady.contains(output) && !output.hasPrefix("size") {
                #expect(
                  [Self.old, sound.files[output]].contains(result.files[output]), "\(output) is neither, \(what)")
              }
            default: Issue.record("\(result.run.ending), \(what)")
            }
            survived += 1
          }
        }
      }
      #expect(survived > 10, "faults do not reach the linker")
    }

    /// `SOLDER_KILLS` says how often.
    @Test(arguments: ["KILL", "TERM"]) func killedAtAnyTime(_ signal: String) async throws {
      let sample = Self.samples[1]
      let inputs = try await inputs()
      let sound = try folder(sample, inputs)
      let start = ContinuousClock.now
      try await require(Solder.path, sample.arguments, in: sound.path)
      let duration = ContinuousClock.now - start
      let seconds =
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1_000_000_000_000_000_000
      let count = ProcessInfo.processInfo.environment["SOLDER_KILLS"].flatMap(Int.init) ?? 30
      var generator = SplitMix(seed: 14)
      var killed = 0
      for number in 0..<count {
        let folder = try folder(sample, inputs)
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let delay = Double(generator.below(1000)) / 1000 * seconds
        let run = try await execute(
          "/usr/bin/timeout", ["-s", signal, "\(max(0.0005, delay))", Solder.path] + sample.arguments, in: folder.path)
        if !run.succeeded { killed += 1 }
        for output in sample.outputs where !sample.unsteady.contains(output) {
          let bytes = try contents(of: folder.file(output))
          let isWhole = try bytes == Self.old || bytes == contents(of: sound.file(output))
          #expect(isWhole, "\(output) is half written, after \(delay) s (\(number))")
        }
        var strange = try strange(folder, sample, inputs)
        // In the moment in which a file takes the place of another it has a name of its own.
        if signal == "KILL" { strange.removeAll { $0.contains(".tmp") } }
        #expect(strange == [], "after \(delay) s (\(number))")
        // Whatever is left does not matter to the next link.
        if number % 16 == 0 { try await require(Solder.path, sample.arguments, in: folder.path) }
      }
      #expect(killed > count / 10, "\(killed) of \(count) were killed")
    }

    /// Links that write one output: it is that of one of them at any time.
    @Test func severalLinksWriteOneOutput() async throws {
      let inputs = try await inputs()
      let sample = Self.samples[0]
      let folder = try folder(sample, inputs)
      var wholes: [[UInt8]] = [Self.old]
      let variants = (0..<4).map {
        ["--threads=1", "--export=f", "-z", "stack-size=\(($0 + 1) * 4096)"] + sample.arguments
      }
      for arguments in variants {
        try await require(Solder.path, arguments, in: folder.path)
        wholes.append(try contents(of: folder.file("out")))
      }
      #expect(Set(wholes).count == 5)
      let known = wholes
      try await withThrowingTaskGroup(of: Void.self) { group in
        for round in 0..<40 {
          group.addTask { try await require(Solder.path, variants[round % 4], in: folder.path) }
          group.addTask {
            for _ in 0..<20 {
              let bytes = try contents(of: folder.file("out"))
              #expect(known.contains(bytes), "an output of \(bytes.count) bytes that nobody wrote")
              try await Task.sleep(for: .milliseconds(1))
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try strange(folder, sample, inputs) == [])
    }

    /// Where there is no room for the result.
    @Test func aFullDevice() async throws {
      let folder = try await folder(Self.samples[0], inputs())
      let run = try await execute(Solder.path, ["first.o", "second.o", "-o", "/dev/full"], in: folder.path)
      #expect(run.ending == .exit(1))
      #expect(run.errors.contains("/dev/full") && run.errors.contains("No space left on device"), "\(run.errors)")
      let piped = try await execute(
        "/bin/sh", ["-c", "\"$0\" first.o second.o -o - | head -c 4 | od -An -tx1", Solder.path], in: folder.path)
      #expect(piped.output.split(separator: " ").joined().hasPrefix("0061736d"), "\(piped.output)\(piped.errors)")
    }
  }
#endif
