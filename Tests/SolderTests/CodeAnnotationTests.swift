import Testing

/// Annotations of code go where their functions and instructions go, and are one section of a kind in front of the code.
@Suite struct CodeAnnotationTests {
  /// A library with two functions, the first of which is only there if somebody calls it, and hints for both.
  private static func library(_ name: String) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    library.padsOperands = true
    let base = library.importMemoryAndBases()
    for function in ["unused_\(name)", name] {
      // The declarations of locals, the address, which becomes shorter, the load, and at 12 the branch.
      library.function(
        [.i32], [.i32], export: function,
        [
          .globalGet(base.memory), .i32Load(), .localGet(0), .if(.i32), .i32Const(1), .else, .i32Const(2), .end,
          .i32Add,
        ])
    }
    library.customs.append(
      .init(name: "metadata.code.branch_hint", bytes: [2, 0, 1, 12, 1, 1, 1, 1, 12, 1, 0]))
    return library
  }

  /// Where the bodies of functions begin in a code section whose sizes take a byte each.
  private static func bodies(_ section: ArraySlice<UInt8>) -> [Int] {
    var place = section.startIndex + 1
    var bodies: [Int] = []
    while place < section.endIndex {
      bodies.append(place + 1)
      place += 1 + Int(section[place])
    }
    return bodies
  }

  @Test func hintsFollowTheirInstructions() async throws {
    var main = ModuleBuilder(object: true)
    let first = main.undefinedFunction("first", [.i32], [.i32])
    let second = main.undefinedFunction("second", [.i32], [.i32])
    main.function("run", [.i32], [.i32], [.localGet(0), .call(first), .localGet(0), .call(second), .i32Add])
    let result = try await linked(
      ["main.o": main, "libfirst.so": Self.library("first"), "libsecond.so": Self.library("second")],
      "--no-entry", "--export=run", "--gc-sections")
    let sections = result.module.sections
    let hints = sections.filter { $0.name == "metadata.code.branch_hint" }
    #expect(hints.count == 1)
    let code = try #require(sections.first { $0.identifier == 10 })
    let section = try #require(hints.first)
    #expect(section.contents.lowerBound < code.contents.lowerBound)
    let bytes = Array(result.bytes[section.contents])
    #expect(bytes[0] == 2)
    // Of two functions, in order, each an offset at which an `if` is.
    #expect(bytes[1] < bytes[6] && bytes[2] == 1 && bytes[7] == 1)
    #expect([bytes[4], bytes[5], bytes[9], bytes[10]] == [1, 0, 1, 0])
    let bodies = Self.bodies(result.bytes[code.contents])
    for place in [1, 6] {
      #expect(result.bytes[bodies[Int(bytes[place])] + Int(bytes[place + 2])] == 0x04)
    }
  }

  /// An object with a function of its own, and one that another file may have too, and hints for both.
  private static func object(_ name: String, hint: UInt8) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let code: [WasmInstruction] = [.localGet(0), .if(.i32), .i32Const(Int32(hint)), .else, .i32Const(2), .end]
    let own = object.function(name, [.i32], [.i32], code)
    let shared = object.function(
      "shared", [.i32], [.i32], flags: .weak, hint == 0 ? [.nop] + code : code)
    // Behind the declarations of locals and the read of one.
    func hints(at place: UInt8) -> [UInt8] { [0x80, 0x80, 0x80, 0x80, 0, 1, place, 1, hint] }
    object.custom(
      "metadata.code.branch_hint", [2] + hints(at: 3) + hints(at: hint == 0 ? 4 : 3),
      relocations: [DataRelocation(.functionIndexLEB, at: 1, own), DataRelocation(.functionIndexLEB, at: 10, shared)])
    return object
  }

  /// What is said of a function, by its index in the result, and the first instruction that it is said of.
  private static func hints(_ result: LinkedInProcess) throws -> [(function: Int, hint: UInt8, opcode: UInt8)] {
    let section = try #require(result.module.sections.first { $0.name == "metadata.code.branch_hint" })
    let code = try #require(result.module.sections.first { $0.identifier == 10 })
    let (bytes, bodies) = (Array(result.bytes[section.contents]), bodies(result.bytes[code.contents]))
    // Each of five bytes.
    #expect(bytes.count == 1 + 5 * Int(bytes[0]))
    return stride(from: 1, to: bytes.count, by: 5).map {
      (Int(bytes[$0]), bytes[$0 + 4], result.bytes[bodies[Int(bytes[$0])] + Int(bytes[$0 + 2])])
    }
  }

  /// Sections of objects that were made one are one behind the other.
  @Test(arguments: [true, false]) func hintsOfJoinedObjects(_ isJoined: Bool) async throws {
    let (first, second) = (Self.object("first", hint: 1), Self.object("second", hint: 0))
    for (objects, shared) in [([first, second], 1 as UInt8), ([second, first], 0)] {
      var inputs = ["a.o": objects[0].bytes, "b.o": objects[1].bytes] as KeyValuePairs<String, any InputContents>
      if isJoined { inputs = ["joined.o": try await linked(inputs, "-r").bytes] }
      let result = try await linked(
        inputs, "--no-entry", "--export=first", "--export=second", "--export=shared", "--no-gc-sections")
      let hints = try Self.hints(result)
      #expect(hints.count == 3 && hints.allSatisfy { $0.opcode == 0x04 })
      // In order, each function once.
      #expect(zip(hints, hints.dropFirst()).allSatisfy { $0.function < $1.function })
      for (name, hint) in [("first", UInt8(1)), ("second", 0), ("shared", shared)] {
        let function = try #require(result.module.export(name)).index
        #expect(hints.first { $0.function == function }?.hint == hint, "\(name)")
      }
    }
  }

  /// An offset twice, offsets in no order, one beyond the body, an import, a function that is not there.
  @Test(
    arguments: [
      [1, 0, 2, 12, 1, 1, 12, 1, 0], [1, 0, 2, 12, 1, 1, 5, 1, 0], [1, 0, 1, 100, 1, 1], [1, 9, 1, 12, 1, 1],
    ] as [[UInt8]]) func whatCannotBeIsAWarning(_ hints: [UInt8]) async throws
  {
    var bad = Self.library("bad")
    bad.customs = [.init(name: "metadata.code.branch_hint", bytes: hints)]
    let run = try LinkInProcess(
      ["bad.so": bad, "good.so": Self.library("good")], ["--no-entry", "--export=bad", "--export=good"])
    let bytes = try #require(run.bytes, "\(run.errors)")
    #expect(run.warnings.count == 1)
    for mention in ["bad.so", "metadata.code.branch_hint", "the section is left out"] {
      #expect(run.warnings.first?.contains(mention) == true, "\(run.warnings)")
    }
    let section = try ModuleDescription(bytes).sections.first { $0.name == "metadata.code.branch_hint" }
    #expect(section.map { Array(bytes[$0.contents]) }?.first == 1)
  }

  @Test func damageIsAWarning() async throws {
    var library = Self.library("first")
    library.customs[0].bytes = [2, 0, 1, 12, 1]
    let result = try await linked(["libfirst.so": library], "--no-entry", "--export=first", warnings: true)
    #expect(result.warnings.count == 1 && result.warnings[0].contains("metadata.code.branch_hint"))
    #expect(!result.module.sections.contains { $0.name == "metadata.code.branch_hint" })
  }
}
