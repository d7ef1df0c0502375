import Foundation

/// An object that opens libraries and says what it finds: each step is one line of what ``transcript(_:)`` gives.
///
///     var program = OpeningProgram(is64: false)
///     program.open("libplug.so", as: 0)
///     program.call("plugin", of: .opened(0))
///     program.error()
///     let result = try await linked(["program.o": program.module, "libplug.so": library], "--dl-openable=libplug.so", …)
///     #expect(try await program.lines(of: result) == ["41", "none"])
struct OpeningProgram {
  /// Whom `dlsym` asks.
  enum Handle {
    case opened(Int)
    case program, all, next
    case number(Int64)
  }

  static let now = 2
  static let noLoad = 4
  static let global = 0x100

  var object: ModuleBuilder
  private let is64: Bool
  private let show, put, dlopen, dlsym, dlclose, dlerror, dladdr: ObjectSymbol
  private let table: ObjectSymbol
  private let tell: ObjectSymbol
  private let information: ObjectSymbol
  private let plainFunction: Int
  let callOther: [WasmInstruction]
  private var texts: [String: ObjectSymbol] = [:]
  private var code: [WasmInstruction] = []
  /// Locals that hold handles; the last is for what was found.
  private static let handles = 6

  /// - Parameter other: a function of another unit that ``callOther`` calls.
  init(is64: Bool, features: [String] = [], calling other: String? = nil) {
    object = ModuleBuilder(object: true, is64: is64)
    self.is64 = is64
    if !features.isEmpty { object.targetFeatures(features) }
    let pointer = WasmType.address(is64: is64)
    plainFunction = object.type([], [.i32])
    show = object.undefinedFunction("show", [.i32], [], module: "host", importName: "show")
    put = object.undefinedFunction("put", [.i32], [], module: "host", importName: "put")
    dlopen = object.undefinedFunction("dlopen", [pointer, .i32], [pointer])
    dlsym = object.undefinedFunction("dlsym", [pointer, pointer], [pointer])
    dlclose = object.undefinedFunction("dlclose", [pointer], [.i32])
    dlerror = object.undefinedFunction("dlerror", [], [pointer])
    dladdr = object.undefinedFunction("dladdr", [pointer, pointer], [.i32])
    if let other {
      callOther = [.call(object.undefinedFunction(other, [], [.i32]))]
    } else {
      callOther = []
    }
    table = object.undefinedTable()
    information = object.data("information", Array(repeating: 0, count: 32), alignment: 3)
    // Shows the bytes of a string, and a 0; of null, -1.
    tell = object.function(
      "tell", [pointer], [],
      [.localGet(0), is64 ? .i64Eqz : .i32Eqz, .if(), .i32Const(-1), .call(put), .return, .end, .loop()]
        + [.localGet(0), .i32Load8(), .call(put), .localGet(0), .i32Load8(), .if(), .localGet(0)]
        + [.addressConst(1, is64: is64), is64 ? .i64Add : .i32Add, .localSet(0), .br(1), .end, .end])
  }

  private func address(_ data: ObjectSymbol, _ addend: Int64 = 0) -> WasmInstruction {
    is64 ? .address64(data, addend) : .address(data, addend)
  }

  private mutating func text(_ text: String) -> WasmInstruction {
    if let known = texts[text] { return address(known) }
    let symbol = object.data("text\(texts.count)", Array(text.utf8) + [0], alignment: 0)
    texts[text] = symbol
    return address(symbol)
  }

  private func handle(_ handle: Handle) -> [WasmInstruction] {
    switch handle {
    case .opened(let local): [.localGet(local)]
    case .program: [.addressConst(0, is64: is64), .i32Const(2), .call(dlopen)]
    case .all: [.addressConst(0, is64: is64)]
    case .next: [.addressConst(-1, is64: is64)]
    case .number(let value): [.addressConst(value, is64: is64)]
    }
  }

  // MARK: Steps

  /// Opens a library and shows whether that succeeded.
  mutating func open(_ path: String, _ mode: Int = now, as local: Int) {
    code += [text(path), .i32Const(Int32(mode)), .call(dlopen), .localTee(local)]
    code += [is64 ? .i64Eqz : .i32Eqz, .i32Eqz, .call(show)]
  }

  /// Looks a function up and shows what it gives; -1 if it is not there.
  mutating func call(_ name: String, of handle: Handle) {
    find(name, handle)
    code += [
      is64 ? .i64Eqz : .i32Eqz, .if(), .i32Const(-1), .call(show), .else, .localGet(Self.handles),
      .callIndirect(objectType: plainFunction, table: table), .call(show), .end,
    ]
  }

  private mutating func find(_ name: String, _ handle: Handle) {
    code += self.handle(handle)
    code += [text(name), .call(dlsym), .localTee(Self.handles)]
  }

  /// Looks data up and shows its first four bytes; -1 if it is not there.
  mutating func read(_ name: String, of handle: Handle) {
    find(name, handle)
    code += [
      is64 ? .i64Eqz : .i32Eqz, .if(), .i32Const(-1), .call(show), .else, .localGet(Self.handles), .i32Load(),
      .call(show), .end,
    ]
  }

  /// Closes a library and shows the result.
  mutating func close(_ handle: Handle) {
    code += self.handle(handle)
    code += [.call(dlclose), .call(show)]
  }

  /// Shows the last error.
  mutating func error() { code += [.call(dlerror), .call(tell)] }

  /// Asks what an address behind a symbol is, and shows the names of the library and of what is there, and how far the
  /// address lies behind that.
  mutating func identify(_ name: String, of handle: Handle, plus offset: Int64 = 0, showsDistance: Bool = true) {
    find(name, handle)
    code += [.addressConst(offset, is64: is64), is64 ? .i64Add : .i32Add, .localTee(Self.handles)]
    code += [address(information), .call(dladdr), .if()]
    let size: Int64 = is64 ? 8 : 4
    for index in [0, 2] as [Int64] {
      code += [address(information, index * size), is64 ? .i64Load() : .i32Load(), .call(tell)]
    }
    if showsDistance {
      code += [.localGet(Self.handles), address(information, 3 * size)]
      code += is64 ? [.i64Load(), .i64Sub, .i32WrapI64] : [.i32Load(), .i32Sub]
      code.append(.call(show))
    }
    code += [.else, .i32Const(-1), .call(show), .end]
  }

  /// Shows a number.
  mutating func mark(_ number: Int32) { code += [.i32Const(number), .call(show)] }

  /// A function that libraries may call, and that shows its number.
  mutating func note(_ name: String = "note") {
    object.function(name, [.i32], [], flags: .exported, [.localGet(0), .call(show)])
  }

  // MARK: The object

  /// The object, whose `run` does all steps.
  var module: ModuleBuilder {
    var object = object
    let locals = Array(repeating: WasmType.address(is64: is64), count: Self.handles + 1)
    object.function("run", [], [], locals: locals, flags: .exported, code)
    return object
  }

  /// What the steps show.
  func lines(of result: LinkedInProcess, calls: [String] = ["run"]) async throws -> [String] {
    Self.lines(try await result.invoke(calls.map { Call($0, []) }))
  }

  static func lines(_ transcript: String) -> [String] {
    var lines: [String] = []
    var bytes: [UInt8] = []
    for line in transcript.split(separator: "\n") {
      if let number = line.number(of: "host.show") {
        lines.append(String(number))
      } else if let number = line.number(of: "host.put") {
        if number == 0 || number == -1 {
          lines.append(number == 0 ? String(decoding: bytes, as: UTF8.self) : "none")
          bytes = []
        } else {
          bytes.append(UInt8(truncatingIfNeeded: number))
        }
      } else if line != "instantiated", !line.hasSuffix("() = None") {
        lines.append(String(line))
      }
    }
    return lines
  }
}

extension Substring {
  /// The argument of a call of a host's function, as a transcript has it.
  fileprivate func number(of function: String) -> Int? {
    guard hasPrefix(function + "("), let end = firstIndex(of: ")") else { return nil }
    return Int(self[index(startIndex, offsetBy: function.utf8.count + 1)..<end])
  }
}

extension ModuleBuilder {
  /// A library for `OpeningProgram`: a function `plugin` that gives `value`, data `data` that holds it, and a constructor
  /// that shows `constructor` by the program's function `note`.
  static func plugin(
    _ value: Int32, is64: Bool, constructor: Int32? = nil, needed: [String] = [], named name: String? = nil
  ) -> ModuleBuilder {
    var library = ModuleBuilder(
      dylink: Dylink(memorySize: 16, memoryAlignment: 2, needed: needed), is64: is64)
    let note = library.importFunction("env", "note", [.i32], [])
    let base = library.importMemoryAndBases()
    library.moduleName = name
    var bytes: [UInt8] = Array(repeating: 0, count: 4)
    bytes.fixed(UInt64(UInt32(bitPattern: value)), width: 4)
    // Behind four zero bytes.
    library.data(.active([.globalGet(base.memory)]), bytes)
    library.global(.address(is64: is64), [.addressConst(4, is64: is64)], export: "data")
    library.function([], [.i32], export: "plugin", [.i32Const(value)])
    if let constructor {
      library.function([], [], export: "__wasm_call_ctors", [.i32Const(constructor), .call(note)])
    }
    return library
  }
}
