import Testing

@testable import SolderLinker

/// Rules between objects, each seen in what the program does: comparing bytes with wasm-ld says that something differs, this
/// says what.
@Suite struct ObjectRuleTests {
  typealias File = (name: String, contents: any InputContents)

  /// An object that defines `f` as a number.
  private func definition(_ number: Int32, isWeak: Bool = false) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    object.function("f", [], [.i32], flags: isWeak ? .weak : [], [.i32Const(number)])
    return object
  }

  /// An object whose `run` calls `f`.
  private func caller(isWeak: Bool = false, name: String = "run") -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let other = object.undefinedFunction("f", [], [.i32], flags: isWeak ? .weak : [])
    object.function(name, [], [.i32], flags: .exported, [.call(other)])
    return object
  }

  private func run(_ files: [File], _ words: [String] = []) async throws -> String {
    let words = ["--no-entry"] + words
    return try await InputSet(files).transcript(words, [Call("run")])
  }

  // MARK: Names

  @Test func aStrongDefinitionWinsInAnyOrder() async throws {
    for files: [File] in permutations([
      ("weak.o", definition(1, isWeak: true)), ("strong.o", definition(2)), ("caller.o", caller()),
    ]) {
      #expect(try await run(files) == "run() = 2", "\(files.map(\.name))")
    }
  }

  @Test func ofWeakDefinitionsTheFirstWins() async throws {
    let files: [File] = [
      ("first.o", definition(1, isWeak: true)), ("second.o", definition(2, isWeak: true)), ("caller.o", caller()),
    ]
    #expect(try await run(files) == "run() = 1")
    #expect(try await run([files[1], files[2], files[0]]) == "run() = 2")
  }

  @Test func aStrongReferenceIsMissed() async throws {
    let weak: File = ("weak.o", caller(isWeak: true))
    let strong: File = ("strong.o", caller(name: "other"))
    for files in [[weak, strong], [strong, weak]] {
      try InputSet(files).refuse(["--no-entry"], ["undefined symbol: f", "strong.o"])
    }
    #expect(try InputSet([weak]).link(["--no-entry"]).bytes != nil, "weak references alone are not missed")
  }

  // MARK: Constructors

  /// An object whose constructors append their digits to `log`, in the order of their priorities and names.
  private func constructors(_ all: [(digit: Int32, priority: Int)]) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let log = object.undefinedData("log")
    for (digit, priority) in all {
      object.constructor(
        object.function(
          "construct\(digit)", [], [], flags: .local,
          [.address(log), .address(log), .i32Load(), .i32Const(10), .i32Mul, .i32Const(digit), .i32Add, .i32Store()]),
        priority: priority)
    }
    return object
  }

  private var log: ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let log = object.data("log", [0, 0, 0, 0])
    object.function("run", [], [.i32], flags: .exported, [.address(log), .i32Load()])
    return object
  }

  @Test func constructorsRunByPriorityThenInOrder() async throws {
    let first = constructors([(3, 65535), (4, 65535), (1, 100), (5, 65535)])
    let second = constructors([(2, 100), (6, 65535)])
    var starter = ModuleBuilder(object: true)
    let call = starter.undefinedFunction("__wasm_call_ctors")
    starter.function("start", [], [], flags: .exported, [.call(call)])
    let files: [File] = [("log.o", log), ("first.o", first), ("second.o", second), ("starter.o", starter)]
    let transcript = try await InputSet(files).transcript(["--no-entry"], [Call("start"), Call("run")])
    #expect(transcript.hasSuffix("run() = 123456"), "\(transcript)")
  }

  // MARK: Places

  /// Data of every alignment, behind three bytes of another section.
  @Test(arguments: [0, 1, 2, 3, 4, 6, 10]) func dataIsAligned(_ alignment: Int) async throws {
    var object = ModuleBuilder(object: true)
    let odd = object.data("odd", [1, 2, 3], segment: ".rodata.odd", alignment: 0)
    let value = object.data("value", [4], alignment: alignment)
    object.function(
      "run", [], [.i32], flags: .exported,
      [
        .address(value), .i32Const(1 << Int32(alignment) - 1), .i32And, .address(odd), .i32Load8(), .i32Const(1),
        .i32Sub,
        .i32Or,
      ])
    for words in [[], ["--no-merge-data-segments"], ["--no-stack-first"]] {
      #expect(try await run([("object.o", object)], words) == "run() = 0", "\(words)")
    }
  }

  /// Nothing refers to either of two segments, of which one is to be retained.
  @Test func whatIsRetainedStays() async throws {
    var object = ModuleBuilder(object: true)
    object.data("kept", Array("is retained".utf8), segmentFlags: 4, flags: .local)
    object.data("dropped", Array("is dropped".utf8), flags: .local)
    object.function("run", [], [.i32], flags: .exported, [.i32Const(1)])
    let result = try await linked(["object.o": object], "--no-entry", "--gc-sections")
    #expect(result.bytes.firstRange(of: Array("is retained".utf8)) != nil)
    #expect(result.bytes.firstRange(of: Array("is dropped".utf8)) == nil)
  }

  /// The word behind the data says that the memory is set up, or other threads would wait for ever.
  @Test func theFlagOfThreadsSaysThatMemoryIsSetUp() async throws {
    var object = ModuleBuilder(object: true)
    let value = object.data("value", [7, 0, 0, 0])
    object.function("run", [], [.i32], flags: .exported, [.address(value), .i32Load()])
    object.function("flag", [], [.i32], flags: .exported, [.address(value, 4), .i32Load()])
    object.targetFeatures(["+atomics", "+bulk-memory"])
    let result = try await linked(
      ["object.o": object], "--no-entry", "--shared-memory", "--initial-memory=131072", "--max-memory=131072")
    #expect(try await result.call("run") == "7")
    #expect(try await result.call("flag") == "2")
  }

  // MARK: Indices

  /// Of two tags of one type the one that was thrown is caught, in each of two modules.
  @Test func tagsOfOneTypeAreTwo() async throws {
    func module(_ name: String) -> ModuleBuilder {
      var module = ModuleBuilder()
      let (first, second) = (module.tag([.i32]), module.tag([.i32]))
      module.function(
        [], [.i32], export: name,
        [
          .block(.i32), .block(.i32),
          .tryTable(nil, [.bytes([2, 0]), .index(first), .bytes([0]), .bytes([0]), .index(second), .bytes([1])]),
          .i32Const(5), .throw(second), .end,
          .i32Const(0), .end,
          .i32Const(100), .i32Add, .end,
        ])
      return module
    }
    let result = try await linked(["a.wasm": module("run"), "b.wasm": module("other")], "b=b.wasm", "a.wasm")
    #expect(try await result.call("run") == "5")
  }

  /// More functions than are named in one piece of work.
  @Test func namesBelongToTheirFunctions() async throws {
    var object = ModuleBuilder(object: true)
    for index in 0..<1500 { object.function("f\(index)", [], [], flags: .exported, []) }
    let result = try await linked(["object.o": object], "--no-entry")
    #expect(result.module.exports.count { $0.kind == .function } == 1500)
    for export in result.module.exports where export.kind == .function {
      #expect(result.module.functionNamesByIndex[export.index] == export.name)
    }
  }

  /// A number that says how far away data is from itself.
  @Test func distancesCountFromTheirOwnPlace() async throws {
    var object = ModuleBuilder(object: true)
    let target = object.data("target", [7, 0, 0, 0])
    let distance = object.data(
      "distance", [0, 0, 0, 0, 0, 0, 0, 0],
      relocations: [
        DataRelocation(.memoryAddressLocationRelativeI32, at: 0, target),
        DataRelocation(.memoryAddressLocationRelativeI32, at: 4, target, addend: 1),
      ])
    object.function(
      "run", [], [.i32], flags: .exported,
      [
        // What is found that far from the first, and how the second differs from it.
        .address(distance), .address(distance), .i32Load(), .i32Add, .i32Load(), .i32Const(100), .i32Mul,
        .address(distance), .i32Load(offset: 4), .address(distance), .i32Load(), .i32Sub, .i32Add,
      ])
    // The second is four bytes further on, and one is added.
    #expect(try await run([("object.o", object)]) == "run() = 697")
  }

  /// What refers to a place in a custom section, in the result: each of two objects has eight bytes of `notes`.
  @Test func placesInCustomSectionsKeepTheirAddends() async throws {
    func object(_ letter: UInt8) -> ModuleBuilder {
      var object = ModuleBuilder(object: true)
      object.function("f\(letter)", [], [], flags: .exported, [])
      object.custom("notes", Array(repeating: letter, count: 8))
      let notes = object.addSymbol(.init(kind: .section, name: "", flags: .local, index: 0))
      object.custom(
        "places", [0, 0, 0, 0], relocations: [DataRelocation(.sectionOffsetI32, at: 0, notes, addend: 5)])
      return object
    }
    let result = try await linked(["a.o": object(0x61), "b.o": object(0x62)], "--no-entry", "a.o", "b.o")
    let section = try #require(result.module.customSections.first { $0.name == "places" })
    #expect(Array(result.bytes[section.contents].suffix(8)) == [5, 0, 0, 0, 13, 0, 0, 0])
  }
}

/// Nothing is written outside of the room that there is, by as much as a byte.
@Suite struct FenceTests {
  /// A way to write, and how many bytes it takes.
  private static let writers: [(name: String, width: Int, write: @Sendable (OutputRoom, Int) -> Bool)] = [
    ("byte", 1, { $0.write(0x55, at: $1) }),
    ("fixed32", 4, { $0.write(fixed32: 0x5555_5555, at: $1) }),
    ("fixed64", 8, { $0.write(fixed64: 0x5555_5555_5555_5555, at: $1) }),
    ("five bytes", 5, { $0.write(fiveBytes: 0x55, at: $1) }),
    ("unsigned", 3, { $0.write(unsigned: 0x55, width: 3, at: $1) }),
    ("signed", 3, { $0.write(signed: -0x55, width: 3, at: $1) }),
  ]

  @Test func nothingIsWrittenBeyondTheEnd() {
    for writer in Self.writers {
      for offset in 0...20 {
        var bytes = [UInt8](repeating: 0xEE, count: 24)
        // The room is in the middle, so that what is written outside is seen.
        let isWritten = writing(&bytes, 4..<20) { writer.write($0, offset) }
        #expect(isWritten == (offset + writer.width <= 16), "\(writer.name) at \(offset) of 16")
        #expect(bytes[..<4].allSatisfy { $0 == 0xEE } && bytes[20...].allSatisfy { $0 == 0xEE }, "\(writer.name)")
      }
    }
  }

  @Test(arguments: 1...5) func aNumberFitsOrIsRefused(_ width: Int) {
    let bits = UInt64(7 * width)
    var bytes = [UInt8](repeating: 0xEE, count: 8)
    writing(&bytes, 0..<8) { room in
      #expect(room.write(unsigned: 1 << bits - 1, width: width, at: 0))
      #expect(!room.write(unsigned: 1 << bits, width: width, at: 0), "\(1 << bits) in \(width) bytes")
      #expect(room.write(signed: 1 << (Int64(bits) - 1) - 1, width: width, at: 0))
      #expect(room.write(signed: -1 << (Int64(bits) - 1), width: width, at: 0))
      #expect(!room.write(signed: 1 << (Int64(bits) - 1), width: width, at: 0))
      #expect(!room.write(signed: -1 << (Int64(bits) - 1) - 1, width: width, at: 0))
    }
  }
}
