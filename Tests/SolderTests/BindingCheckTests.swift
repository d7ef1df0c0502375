import Foundation
import Testing

/// Kinds and types of references and definitions, for every pair of kinds of units, in both orders.
@Suite struct BindingCheckTests {
  /// What nobody defines the host may give to those who import it, but data it has for nobody: what one takes for data
  /// and another one imports is an error, whoever comes first.
  @Test(arguments: [false, true]) func kindsOfWhatNobodyDefines(_ is64: Bool) throws {
    let address = WasmType.address(is64: is64)
    func importer(_ library: Bool, _ type: WasmType, _ isMutable: Bool) -> ModuleBuilder {
      var module = ModuleBuilder(dylink: library ? Dylink() : nil, is64: is64)
      module.function(
        [], [type], export: "get", [.globalGet(module.importGlobal("env", "thing", type, isMutable: isMutable))])
      return module
    }
    var shared = ModuleBuilder(dylink: Dylink(), is64: is64)
    shared.function(export: "fail", [.throw(shared.importTag("env", "thing", []))])
    let importers: [(name: String, contents: any InputContents)] = [
      ("one.so", importer(true, address, false)), ("one.so", importer(true, address, true)),
      ("one.so", importer(true, .f64, false)), ("one.so", shared), ("one.wasm", importer(false, address, false)),
      ("one.wasm", importer(false, address, true)), ("one.wasm", importer(false, .f64, false)),
    ]
    for reference in [Reference.objectData, .libraryAddress].map({ $0.file(is64: is64) }) {
      for importer in importers {
        let files = try InputSet([reference, importer])
        for order in permutations([reference.name, importer.name]) {
          for options in [
            [], ["--import-undefined"], ["--allow-undefined"], ["--unresolved-symbols=ignore-all"], ["--export-all"],
          ] {
            files.refuse(
              (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=use"] + options + order,
              ["symbol type mismatch: thing", reference.name, importer.name])
          }
        }
      }
    }
  }

  // MARK: Kinds

  /// A file that refers to `thing`.
  private enum Reference: String, CaseIterable {
    case objectCall, objectData, objectPointer, libraryCall, librarySlot, libraryAddress, libraryGlobal, moduleCall,
      moduleGlobal, moduleTable, moduleTag

    func file(is64: Bool) -> (name: String, contents: any InputContents) {
      var module: ModuleBuilder
      let address = WasmType.address(is64: is64)
      switch self {
      case .objectCall, .objectData, .objectPointer:
        module = ModuleBuilder(object: true, is64: is64)
        switch self {
        case .objectCall:
          let thing = module.undefinedFunction("thing", [], [.i32])
          module.function("use", [], [.i32], flags: .exported, [.call(thing)])
        case .objectData:
          let thing = module.undefinedData("thing")
          module.function(
            "use", [], [address], flags: .exported, [is64 ? .address64(thing) : .address(thing)])
        default:
          _ = module.undefinedTable(flags: [])
          let thing = module.undefinedFunction("thing", [], [.i32])
          let pointer: WasmInstruction = is64 ? .constant(.tableIndexSLEB64, thing) : .slot(thing)
          module.function("use", [], [address], flags: .exported, [pointer])
        }
        return ("use.o", module)
      case .libraryCall, .librarySlot, .libraryAddress, .libraryGlobal:
        module = ModuleBuilder(dylink: Dylink(), is64: is64)
        if is64 { module.importMemory("env", "memory", Limits(0, is64: true)) }
        let code: WasmInstruction =
          switch self {
          case .libraryCall: .call(module.importFunction("env", "thing", [], [.i32]))
          case .librarySlot: .globalGet(module.importGlobal("GOT.func", "thing", address, isMutable: true))
          case .libraryAddress: .globalGet(module.importGlobal("GOT.mem", "thing", address, isMutable: true))
          default: .globalGet(module.importGlobal("env", "thing", address))
          }
        module.function([], [self == .libraryCall ? .i32 : address], export: "use", [code])
        return ("use.so", module)
      default:
        module = ModuleBuilder()
        let code: [WasmInstruction] =
          switch self {
          case .moduleCall: [.call(module.importFunction("env", "thing", [], [.i32]))]
          case .moduleGlobal: [.globalGet(module.importGlobal("env", "thing", address))]
          case .moduleTable: [.tableSize(module.importTable("env", "thing", .funcref, Limits(1)))]
          default: [.throw(module.importTag("env", "thing", []))]
          }
        module.function([], [self == .moduleGlobal ? address : .i32], export: "use", code)
        return ("use.wasm", module)
      }
    }

    /// What it may be.
    var accepted: Set<Thing> {
      switch self {
      case .objectCall, .objectPointer, .libraryCall, .librarySlot, .moduleCall: [.function]
      case .objectData, .libraryAddress: [.data, .address]
      case .libraryGlobal, .moduleGlobal: [.data, .address]
      case .moduleTable: [.table]
      case .moduleTag: [.tag]
      }
    }
  }

  /// A kind of thing that can be called `thing`.
  private enum Thing: CaseIterable { case function, data, address, variable, otherWidth, real, reference, table, tag }

  private enum Definer: String, CaseIterable {
    case object, member, library, module

    var things: [Thing] {
      switch self {
      case .object, .member: [.function, .data]
      case .library: [.function, .data, .variable, .real, .reference, .tag]
      case .module: [.function, .address, .variable, .otherWidth, .real, .reference, .table, .tag]
      }
    }

    func file(_ thing: Thing, is64: Bool) -> (name: String, contents: any InputContents) {
      switch self {
      case .object, .member:
        var object = ModuleBuilder(object: true, is64: is64)
        if thing == .function {
          object.function("thing", [], [.i32], [.i32Const(7)])
        } else {
          object.data("thing", [7, 0, 0, 0])
        }
        guard self == .member else { return ("thing.o", object) }
        var archive = ArchiveBuilder()
        archive.add("thing.o", object)
        return ("thing.a", archive)
      case .library:
        var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2), is64: is64)
        if is64 { library.importMemory("env", "memory", Limits(0, is64: true)) }
        define(thing, in: &library, is64: is64)
        return ("thing.so", library)
      case .module:
        var module = ModuleBuilder()
        module.memory(Limits(1, is64: is64), export: "memory")
        module.global(.address(is64: is64), [.addressConst(1024, is64: is64)], export: "__heap_base")
        define(thing, in: &module, is64: is64)
        return ("thing.wasm", module)
      }
    }

    private func define(_ thing: Thing, in module: inout ModuleBuilder, is64: Bool) {
      let address = WasmType.address(is64: is64)
      switch thing {
      case .function: module.function([], [.i32], export: "thing", [.i32Const(7)])
      case .data: module.global(address, [.addressConst(0, is64: is64)], export: "thing")
      case .address: module.global(address, [.addressConst(512, is64: is64)], export: "thing")
      case .variable:
        module.global(address, isMutable: true, [.addressConst(512, is64: is64)], export: "thing")
      // Not as wide as an address.
      case .otherWidth:
        module.global(.address(is64: !is64), [.addressConst(512, is64: !is64)], export: "thing")
      case .real: module.global(.f64, [.f64Const(3)], export: "thing")
      case .reference: module.global(.externref, [.refNull(.externref)], export: "thing")
      case .table: module.table(.funcref, Limits(4), export: "thing")
      case .tag: module.tag([], export: "thing")
      }
    }
  }

  @Test(arguments: [false, true]) func everyPairOfKinds(is64: Bool) async throws {
    var links = 0
    for reference in Reference.allCases {
      for definer in Definer.allCases {
        for thing in definer.things {
          let (use, definition) = (reference.file(is64: is64), definer.file(thing, is64: is64))
          let inputs = try InputSet([use, definition])
          for order in permutations([use.name, definition.name]) {
            links += 1
            let words = (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=use"] + order
            if reference.accepted.contains(thing) {
              let run = inputs.link(words)
              #expect(run.errors == [], "\(reference) of \(definer) \(thing), \(order)")
              guard let bytes = run.bytes else { continue }
              try await WebAssemblyHost.shared.validate(bytes)
              #expect(
                try !ModuleDescription(bytes).imports.contains { $0.name == "thing" },
                "\(reference) of \(definer) \(thing), \(order)")
            } else {
              inputs.refuse(words, ["thing", use.name, definer == .member ? "thing.a(thing.o)" : definition.name])
            }
          }
        }
      }
    }
    #expect(links > 300)
  }

  // MARK: Signatures

  private enum Unit: CaseIterable {
    case object, member, library, module

    /// Calls `callee`, which takes an i32 here, by the exported function `call`.
    var caller: (name: String, contents: any InputContents) {
      switch self {
      case .object, .member:
        var object = ModuleBuilder(object: true)
        let callee = object.undefinedFunction("callee", [.i32], [.i32])
        object.function("call", [], [.i32], [.i32Const(1), .call(callee)])
        return wrapped(object, "call")
      case .library, .module:
        var module = self == .library ? ModuleBuilder(dylink: Dylink()) : ModuleBuilder()
        let callee = module.importFunction("env", "callee", [.i32], [.i32])
        module.function([], [.i32], export: "call", [.i32Const(1), .call(callee)])
        return wrapped(module, "call")
      }
    }

    /// Defines `callee`, which takes an i64 and an f64, or what the caller expects.
    func definer(isRight: Bool, name: String = "callee") -> (name: String, contents: any InputContents) {
      let parameters: [WasmType] = isRight ? [.i32] : [.i64, .f64]
      switch self {
      case .object, .member:
        var object = ModuleBuilder(object: true)
        object.function(name, parameters, [.i32], [.i32Const(7)])
        return wrapped(object, name)
      case .library, .module:
        var module = self == .library ? ModuleBuilder(dylink: Dylink()) : ModuleBuilder()
        module.function(parameters, [.i32], export: name, [.i32Const(7)])
        return wrapped(module, name)
      }
    }

    private func wrapped(_ module: ModuleBuilder, _ name: String) -> (name: String, contents: any InputContents) {
      switch self {
      case .object: return ("\(name).o", module)
      case .member:
        var archive = ArchiveBuilder()
        archive.add("\(name).o", module)
        return ("\(name).a", archive)
      case .library: return ("\(name).so", module)
      case .module: return ("\(name).wasm", module)
      }
    }

    var isObject: Bool { self == .object || self == .member }
  }

  @Test func everyPairOfSignatures() async throws {
    for caller in Unit.allCases {
      for definer in Unit.allCases {
        for isRight in [true, false] {
          let (use, definition) = (caller.caller, definer.definer(isRight: isRight))
          let inputs = try InputSet([use, definition])
          for order in permutations([use.name, definition.name]) {
            for option in ["", "--no-shlib-sigcheck", "--noinhibit-exec"] {
              let words = ["--no-entry", "--export=call"] + (option.isEmpty ? [] : [option]) + order
              let isAccepted =
                isRight || option == "--noinhibit-exec" || caller != .module && (caller.isObject || definer.isObject)
              let isUnchecked = option == "--no-shlib-sigcheck" && (caller == .library || definer == .library)
              if isAccepted || isUnchecked {
                let run = inputs.link(words)
                #expect(run.errors == [], "\(run.words)")
                let warnings = run.warnings.joined(separator: "\n")
                #expect(
                  warnings.contains("function signature mismatch: callee") == (!isRight && !isUnchecked), "\(words)")
                if !isRight, !isUnchecked {
                  for text in ["(i32) -> i32", "(i64, f64) -> i32"] { #expect(warnings.contains(text), "\(words)") }
                }
                let transcript = try await WebAssemblyHost.shared.invoke(run.bytes ?? [], [Call("call")])
                #expect(transcript.contains(isRight ? "call() = 7" : "call() fails: "), "\(words): \(transcript)")
              } else {
                inputs.refuse(
                  words,
                  ["function signature mismatch: callee", "(i32) -> i32", "(i64, f64) -> i32", ".so", ".wasm"]
                    .filter { text in text.hasPrefix(".") ? (use.name + definition.name).contains(text) : true })
              }
            }
          }
        }
      }
    }
  }

  /// A call that comes to a definition, or to the host, by way of a library or module that exports what it imports.
  @Test func everySignatureThroughAnotherName() async throws {
    for caller in Unit.allCases {
      for passer in [Unit.library, .module] {
        for end in Unit.allCases + [nil] {
          for isRight in [true, false] {
            let parameters: [WasmType] = isRight ? [.i32] : [.i64, .f64]
            var again = passer == .library ? ModuleBuilder(dylink: Dylink()) : ModuleBuilder()
            again.export("callee", .function, again.importFunction("env", "real", parameters, [.i32]))
            let use = caller.caller
            var files = [use, (name: "again", contents: again as any InputContents)]
            if let end { files.append(end.definer(isRight: isRight, name: "real")) }
            let inputs = try InputSet(files)
            for order in permutations(inputs.names) {
              let words = ["--no-entry", "--export=call", "--import-undefined"] + order
              // What a module passes on from the host is the host's, and of one type.
              if isRight || caller.isObject || caller == .library && end?.isObject == true {
                let run = inputs.link(words)
                #expect(run.errors == [], "\(run.words)")
                #expect(run.warnings.joined().contains("function signature mismatch: ") == !isRight, "\(words)")
                let transcript = try await WebAssemblyHost.shared.invoke(run.bytes ?? [], [Call("call")])
                let result = isRight ? "call() = \(end == nil ? 0 : 7)" : "call() fails: "
                #expect(transcript.contains(result), "\(words): \(transcript)")
              } else {
                inputs.refuse(words, ["function signature mismatch: ", "(i32) -> i32", "(i64, f64) -> i32"])
              }
            }
          }
        }
      }
    }
  }

  /// An object's import from an object of that name is compared as well.
  @Test func everySignatureOfAnInputWithAName() async throws {
    for caller in [true, false] {
      for definer in Unit.allCases {
        for isRight in [true, false] {
          var user = caller ? ModuleBuilder(object: true) : ModuleBuilder()
          if caller {
            let callee = user.undefinedFunction("mine", [.i32], [.i32], module: "runtime", importName: "callee")
            user.function("call", [], [.i32], flags: .exported, [.i32Const(1), .call(callee)])
          } else {
            let callee = user.importFunction("runtime", "callee", [.i32], [.i32])
            user.function([], [.i32], export: "call", [.i32Const(1), .call(callee)])
          }
          let definition = definer.definer(isRight: isRight)
          let inputs = try InputSet([("user", user), definition])
          for order in permutations(["user", "runtime=" + definition.name]) {
            let words = ["--no-entry"] + order
            if isRight || caller {
              let run = inputs.link(words)
              #expect(run.errors == [], "\(run.words)")
              #expect(run.warnings.joined().contains("function signature mismatch: ") == !isRight, "\(words)")
              let transcript = try await WebAssemblyHost.shared.invoke(run.bytes ?? [], [Call("call")])
              #expect(transcript.contains(isRight ? "call() = 7" : "call() fails: "), "\(words): \(transcript)")
            } else {
              inputs.refuse(words, ["function signature mismatch: ", "(i32) -> i32", "(i64, f64) -> i32"])
            }
          }
        }
      }
    }
  }

  /// Two callers that agree with nobody, a definition of either's signature, and one that only points to it.
  @Test func severalCallersOfOneDefinition() async throws {
    func caller(_ name: String, _ type: WasmType, _ code: WasmInstruction) -> ModuleBuilder {
      var object = ModuleBuilder(object: true)
      let callee = object.undefinedFunction("callee", [type], [.i32])
      object.function(name, [], [.i32], flags: .exported, [code, .call(callee)])
      return object
    }
    var definer = ModuleBuilder(dylink: Dylink())
    definer.function([.i64], [.i32], export: "callee", [.i32Const(7)])
    var pointer = ModuleBuilder(dylink: Dylink())
    let slot = pointer.importGlobal("GOT.func", "callee", .i32, isMutable: true)
    pointer.importTable("env", "__indirect_function_table", .funcref, Limits(0))
    let type = pointer.type([.i64], [.i32])
    pointer.function([], [.i32], export: "point", [.i64Const(1), .globalGet(slot), .callIndirect(type: type)])
    var user = ModuleBuilder(dylink: Dylink())
    let callee = user.importFunction("env", "callee", [.i64], [.i32])
    user.function([], [.i32], export: "use", [.i64Const(1), .call(callee)])
    let inputs = try InputSet([
      ("a.o", caller("narrow", .i32, .i32Const(1))), ("b.o", caller("wide", .i64, .i64Const(1))), ("c.so", definer),
      ("d.so", pointer), ("e.so", user),
    ])
    for order in permutations(inputs.names) {
      let transcript = try await inputs.transcript(
        ["--no-entry", "--export=point", "--export=use"] + order,
        [Call("narrow"), Call("wide"), Call("point"), Call("use")], warns: true)
      let lines = transcript.split(separator: "\n")
      #expect(lines.first?.hasPrefix("narrow() fails") == true, "\(order): \(transcript)")
      #expect(Array(lines.dropFirst()) == ["wide() = 7", "point() = 7", "use() = 7"], "\(order): \(transcript)")
    }
  }

  /// What nobody defines stays an import of every module as that states it.
  @Test func modulesThatWantDifferentThingsOfTheHost() async throws {
    func module(_ name: String, _ type: WasmType, _ code: WasmInstruction) -> ModuleBuilder {
      var module = ModuleBuilder()
      let log = module.importFunction("env", "log", [type])
      let limit = module.importGlobal("env", "limit", type)
      module.function([], [type], export: name, [code, .call(log), .globalGet(limit)])
      return module
    }
    let inputs = try InputSet([
      ("a.wasm", module("a", .i32, .i32Const(1))), ("b.wasm", module("b", .i64, .i64Const(2))),
      ("c.wasm", module("c", .i32, .i32Const(3))),
    ])
    for order in permutations(inputs.names) {
      let run = inputs.link(order)
      let bytes = try #require(run.bytes, "\(run.errors)")
      try await WebAssemblyHost.shared.validate(bytes)
      #expect(try ModuleDescription(bytes).imports.count == 4)
    }
    // An object or a library means one thing by a name.
    var library = ModuleBuilder(dylink: Dylink())
    let log = library.importFunction("env", "log", [.f64])
    library.function([], [], export: "lib", [.f64Const(1), .call(log)])
    let mixed = try InputSet([("a.wasm", module("a", .i32, .i32Const(1))), ("l.so", library)])
    for order in permutations(mixed.names) {
      let run = mixed.link(["--export=lib"] + order)
      if let bytes = run.bytes {
        try await WebAssemblyHost.shared.validate(bytes)
      } else {
        #expect(run.errors.joined().contains("log"))
      }
    }
  }

  /// A table of the host's has to be what all want of it.
  @Test func tablesOfTheHost() async throws {
    func module(_ name: String, _ limits: Limits) -> ModuleBuilder {
      var module = ModuleBuilder()
      let table = module.importTable("env", "shelf", .externref, limits)
      module.function([], [.i32], export: name, [.tableSize(table)])
      return module
    }
    let inputs = try InputSet([("a.wasm", module("a", Limits(2, 9))), ("b.wasm", module("b", Limits(5)))])
    let other = try InputSet([("a.wasm", module("a", Limits(2, 4))), ("b.wasm", module("b", Limits(5)))])
    for order in permutations(["a.wasm", "b.wasm"]) {
      let run = inputs.link(order)
      let bytes = try #require(run.bytes, "\(run.errors)")
      try await WebAssemblyHost.shared.validate(bytes)
      #expect(try ModuleDescription(bytes).imports.count == 1)
      other.refuse(order, ["table type mismatch: shelf", "2 4 externref", "5 externref", "a.wasm", "b.wasm"])
    }
  }

  // MARK: Types of globals, tables and tags

  /// Every pair of a definition and an import, by module name and by name alone, in both orders.
  @Test func everyPairOfDeclarations() async throws {
    enum Declaration: CaseIterable {
      case i32, i64, anyref, i31, mutableAnyref, funcs, externs, shortTable, bound, tag, otherTag

      var isTable: Bool { [.funcs, .externs, .shortTable, .bound].contains(self) }

      func define(in module: inout ModuleBuilder) {
        let i31: [WasmInstruction] = [.i32Const(5), .raw(0xFB, 0x1C)]
        switch self {
        case .i32: module.global(.i32, [.i32Const(5)], export: "x")
        case .i64: module.global(.i64, [.i64Const(5)], export: "x")
        case .anyref: module.global(.anyref, i31, export: "x")
        case .i31: module.global(WasmType(bytes: [0x64, 0x6C]), i31, export: "x")
        case .mutableAnyref: module.global(.anyref, isMutable: true, i31, export: "x")
        case .funcs: module.table(.funcref, Limits(4), export: "x")
        case .externs: module.table(.externref, Limits(4), export: "x")
        case .shortTable: module.table(.funcref, Limits(2), export: "x")
        case .bound: module.table(.funcref, Limits(4, 6), export: "x")
        case .tag: module.tag([.i32], export: "x")
        case .otherTag: module.tag([.i64], export: "x")
        }
      }

      func use(from name: String, in module: inout ModuleBuilder) {
        switch self {
        case .i32: module.importGlobal(name, "x", .i32)
        case .i64: module.importGlobal(name, "x", .i64)
        case .anyref: module.importGlobal(name, "x", .anyref)
        case .i31: module.importGlobal(name, "x", WasmType(bytes: [0x64, 0x6C]))
        case .mutableAnyref: module.importGlobal(name, "x", .anyref, isMutable: true)
        case .funcs: module.importTable(name, "x", .funcref, Limits(4))
        case .externs: module.importTable(name, "x", .externref, Limits(4))
        case .shortTable: module.importTable(name, "x", .funcref, Limits(2))
        case .bound: module.importTable(name, "x", .funcref, Limits(4, 6))
        case .tag: module.importTag(name, "x", [.i32])
        case .otherTag: module.importTag(name, "x", [.i64])
        }
      }

      func satisfies(_ wanted: Declaration) -> Bool {
        self == wanted
          || [
            (.i31, .anyref), (.funcs, .shortTable), (.bound, .shortTable), (.bound, .funcs),
          ].contains { $0 == (self, wanted) }
      }
    }
    for defined in Declaration.allCases {
      for wanted in Declaration.allCases {
        for name in ["env", "parts"] {
          var definer = ModuleBuilder()
          defined.define(in: &definer)
          var user = ModuleBuilder()
          wanted.use(from: name, in: &user)
          user.function([], [], export: "run", [])
          let inputs = try InputSet([("parts.wasm", definer), ("user.wasm", user)])
          for order in permutations([name == "env" ? "parts.wasm" : "parts=parts.wasm", "user.wasm"]) {
            if defined.satisfies(wanted) {
              let run = inputs.link(order)
              #expect(run.errors == [], "\(defined) as \(wanted), \(order)")
              if let bytes = run.bytes { try await WebAssemblyHost.shared.validate(bytes) }
            } else {
              inputs.refuse(order, ["x", "parts.wasm", "user.wasm"])
            }
          }
        }
      }
    }
  }

  /// Whoever joins the link late, as a member of an archive, has addresses as wide as all others.
  @Test(arguments: [false, true]) func membersOfAnotherWidth(_ is64: Bool) throws {
    for isLibrary in [false, true] {
      for isOptional in [false, true] {
        var member =
          isLibrary ? ModuleBuilder(dylink: Dylink(), is64: !is64) : ModuleBuilder(object: true, is64: !is64)
        if isLibrary {
          member.importMemory("env", "memory", Limits(0, is64: !is64))
          member.function([], [.i32], export: "thing", [.i32Const(7)])
        } else {
          member.function("thing", [], [.i32], [.i32Const(7)])
        }
        var archive = ArchiveBuilder()
        archive.add("member", member)
        var main = ModuleBuilder(object: true, is64: is64)
        main.function("run", [], [.i32], flags: .exported, [.i32Const(3)])
        let ask = isOptional ? ["-u", "thing"] : ["--export=thing"]
        let run = try LinkInProcess(
          ["main.o": main, "lib.a": archive], ["--no-entry"] + ask + (is64 ? ["-mwasm64"] : []), program: "wasm-ld")
        let error = try #require(run.errors.first, "linked \(is64) \(isLibrary)")
        #expect(run.errors.count == 1 && error.contains("lib.a(member): "), "\(run.errors)")
        #expect(error.contains(isLibrary || !is64 ? "wasm64" : "wasm32"), "\(error)")
      }
    }
  }
}
