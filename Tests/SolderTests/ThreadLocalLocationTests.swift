import Testing

/// Where debug information says that thread-local variables of a library are which has become an object: where the program's
/// variable and the place of the data say.
@Suite struct ThreadLocalLocationTests {
  private static let source = """
    _Thread_local int first = 4;
    static _Thread_local long second;
    int bump(void) { second++; return first++; }
    """
  private static let main = """
    int bump(void);
    _Thread_local long mine = 9;
    int run(void) { return bump() + mine++; }
    """

  /// The same as of its object, linked by the release that made it and here.
  @Test(
    arguments: Reference.allCases,
    ["-gdwarf-4 wasm32", "-gdwarf-5 wasm32", "-gdwarf-4 wasm64", "-gdwarf-5 wasm64"])
  func likeItsObject(_ reference: Reference, _ kind: String) async throws {
    let (version, target) = (String(kind.prefix(9)), kind.suffix(6))
    let chain = Toolchain.shared
    let width = target == "wasm64" ? ["-mwasm64"] : []
    let flags = [
      "--target=\(target)-unknown-emscripten", "-O1", "-pthread", "-matomics", "-mbulk-memory", "-fvisibility=default",
    ]
    let main = try await chain.compiled("main", Self.main, flags)
    // The object's own code is not the library's, so that addresses of the code differ.
    let plain = try await chain.compiled("plain", Self.source, flags + [version])
    let object = try await chain.compiled("counters", Self.source, flags + libraryFlags + [version])
    let library = try await chain.sharedLibrary(
      "libcounters.so", [object], ["--shared-memory"] + width, by: reference.linker)
    let folder = try TemporaryFolder()
    let (lifted, output) = (folder.file("counters.o"), folder.file("result.wasm"))
    try await require(Solder.path, ["-r", library, "-o", lifted])
    let options =
      ["--no-entry", "--export=run", "--shared-memory", "--max-memory=1048576", "--no-gc-sections", "-o", output]
      + width
    func locations(_ linker: String, _ inputs: [String]) async throws -> [Substring] {
      try await require(linker, options + inputs)
      let entries = try await require(Tool.debugReader.path(), ["--debug-info", "--debug-addr", output])
      let places = entries.matches(of: /DW_AT_location.*__?tls|DW_AT_location.*WASM_location.*/).map(\.0)
      // Those of variables come first.
      let addresses = entries.matches(of: /(?m)^0x\w+$/).map(\.0).prefix(2)
      #expect(places.count == 2 && addresses.count == (version == "-gdwarf-5" ? 2 : 0), "\(entries)")
      return places + addresses
    }
    for linker in [try reference.linker.path(), Solder.path] {
      for isFirst in [true, false] {
        let expected = try await locations(linker, isFirst ? [plain, main] : [main, plain])
        #expect(expected == (try await locations(linker, isFirst ? [lifted, main] : [main, lifted])))
      }
    }
  }

  /// Each way to say where such a variable is.
  enum Form: CaseIterable {
    case base, shortBase, address, number4, number8, number1, baseAlone

    /// The expression, of offset 4 from the library's variable with this number.
    func expression(_ base: UInt8) -> [UInt8] {
      switch self {
      case .base: [0xED, 3, base, 0, 0, 0, 0x03, 4, 0, 0, 0, 0x22]
      case .shortBase: [0xED, 1, base, 0x03, 4, 0, 0, 0, 0x22]
      case .address: [0x03, 4, 0, 0, 0, 0xE0]
      case .number4: [0x0C, 4, 0, 0, 0, 0x9B]
      case .number8: [0x0E, 4, 0, 0, 0, 0, 0, 0, 0, 0xE0]
      case .number1: [0x08, 4, 0x9B]
      case .baseAlone: [0xED, 3, base, 0, 0, 0]
      }
    }

    /// The same of a program, or what says that nothing is known.
    func expected(_ base: UInt8, _ offset: UInt8) -> [UInt8] {
      var bytes = expression(base)
      switch self {
      case .base: bytes[7] = offset
      case .address, .number4, .number8: bytes[1] = offset
      case .shortBase, .number1, .baseAlone:
        bytes = [0x93, 8] + [UInt8](repeating: 0x96, count: bytes.count - 2)
      }
      return bytes
    }
  }

  @Test(arguments: Form.allCases) func everyForm(_ form: Form) async throws {
    var (library, base, _, _) = ModuleBuilder.threadedLibrary { _, _ in [] }
    let expression = form.expression(UInt8(base))
    // A unit, and a variable.
    library.custom(".debug_abbrev", [1, 0x11, 1, 0, 0, 2, 0x34, 0, 0x02, 0x18, 0, 0, 0])
    library.custom(
      ".debug_info",
      [UInt8(7 + 3 + expression.count + 1), 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 2, UInt8(expression.count)] + expression
        + [0])
    let object = try await linked(["libtls.so": library], "-r").bytes
    var main = ModuleBuilder(object: true)
    main.data("mine", [1, 0, 0, 0, 2, 0, 0, 0], segment: ".tdata", segmentFlags: 2, flags: .tls)
    main.targetFeatures(["+atomics", "+bulk-memory", "+mutable-globals"])
    let result = try await linked(
      ["main.o": main, "tls.o": object], "--no-entry", "--shared-memory", "--max-memory=1048576", "--export=look",
      "--export=__tls_base", "--no-gc-sections", "--no-check-features")
    let section = try #require(result.module.sections.first { $0.name == ".debug_info" })
    let location = result.bytes[section.contents].suffix(expression.count + 1).dropLast()
    let number = try #require(result.module.export("__tls_base")).index
    // Behind the program's eight bytes.
    #expect(Array(location) == form.expected(UInt8(number), 12))
    // Where there is no next link, the library has its own variable and data.
    if form == .base || form == .address || form == .number4 {
      let direct = try await linked(
        ["libtls.so": library], "--no-entry", "--shared-memory", "--max-memory=1048576", "--export=look",
        "--no-check-features")
      let section = try #require(direct.module.sections.first { $0.name == ".debug_info" })
      let bytes = Array(direct.bytes[section.contents].suffix(expression.count + 1).dropLast())
      #expect(form == .base ? bytes[3...] == expression[3...] : bytes == expression)
    }
  }
}
