/// Writes a checked program as a whole WebAssembly module (core specification, chapter 5).
///
/// The module owns its memory and its table. Its string literals have fixed addresses from 1024 on and its function
/// values fixed slots from 1 on (slot 0 stays empty, so that a forgotten function value traps). The global
/// `__heap_base` says where its static memory ends: from there on memory belongs to whoever links it.
struct ModuleGenerator: ModuleIndices {
  /// How the program starts.
  enum Entry: String {
    /// The export `_start`, which a WASI host calls.
    case start
    /// The start section: the program runs while the module is instantiated, then `main_done` is 1.
    case section
  }

  struct Options {
    var runtimeModule = "env"
    var entry = Entry.start
    var exportsTable = false
  }

  private static let firstStringAddress = 1024
  private static let firstSlot = 1
  private static let pageSize = 65536
  private static let exitFunctionName = "proc_exit"

  private let program: Program
  private let options: Options
  private var types: [WasmSignature] = []
  private var stringAddresses: [Int] = []
  private var staticData = ByteWriter()

  /// The bytes of the module.
  static func module(_ program: Program, _ options: Options) -> [UInt8] {
    var generator = ModuleGenerator(program: program, options: options)
    return generator.module()
  }

  private init(program: Program, options: Options) {
    self.program = program
    self.options = options
    for string in program.strings {
      while staticData.bytes.count % 4 != 0 { staticData.byte(0) }
      stringAddresses.append(ModuleGenerator.firstStringAddress + staticData.bytes.count)
      let count = UInt32(string.utf8.count)
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        staticData.byte(UInt8(truncatingIfNeeded: count >> shift))
      }
      staticData.append(string.utf8)
    }
  }

  // MARK: Index spaces

  private var importCount: Int { program.runtimeFunctions.count + (program.exits ? 1 : 0) }

  private var mainIndex: Int { importCount + program.functions.count }

  private var heapBase: Int {
    (ModuleGenerator.firstStringAddress + staticData.bytes.count + 15) & ~15
  }

  /// `__heap_base` comes first, then the program's variables, then `main_done`.
  private static let heapBaseIndex = 0

  private var mainDoneIndex: Int { 1 + program.globals.count }

  func globalIndex(_ global: Int) -> Int { 1 + global }

  func functionIndex(_ function: FunctionReference) -> Int {
    switch function {
    case .program(let index):
      return importCount + index
    case .runtime(let function):
      guard let index = program.runtimeFunctions.firstIndex(of: function) else {
        preconditionFailure("the checker did not ask for \(function)")
      }
      return index
    }
  }

  var exitFunctionIndex: Int { program.runtimeFunctions.count }

  func stringAddress(_ string: Int) -> Int { stringAddresses[string] }

  func tableSlot(_ functionValue: Int) -> Int { ModuleGenerator.firstSlot + functionValue }

  mutating func typeIndex(_ signature: WasmSignature) -> Int {
    if let index = types.firstIndex(of: signature) { return index }
    types.append(signature)
    return types.count - 1
  }

  // MARK: Sections

  private mutating func module() -> [UInt8] {
    // Every section that names a type is made before the type section is written.
    var imports = ByteWriter()
    imports.section(2) { writeImports(&$0) }
    var functions = ByteWriter()
    let all = program.functions + [program.main]
    let typeIndices = all.map { typeIndex($0.signature.wasmSignature) }
    functions.section(3) { $0.vector(typeIndices) { $0.unsigned($1) } }
    let bodies = all.indices.map { body(all[$0], isMain: $0 == all.count - 1) }

    var module = ByteWriter()
    module.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])
    module.section(1) { writeTypes(&$0) }
    module.append(imports.bytes)
    module.append(functions.bytes)
    module.section(4) { writeTable(&$0) }
    module.section(5) { writer in
      writer.append([1, 0x00])  // one memory, without a maximum
      writer.unsigned((heapBase + ModuleGenerator.pageSize - 1) / ModuleGenerator.pageSize)
    }
    module.section(6) { writeGlobals(&$0) }
    module.section(7) { writeExports(&$0) }
    if options.entry == .section { module.section(8) { $0.unsigned(mainIndex) } }
    if !program.functionValues.isEmpty { module.section(9) { writeElements(&$0) } }
    module.section(10) { writer in
      writer.vector(bodies) { writer, body in writer.sized { $0.append(body.bytes) } }
    }
    module.section(11) { writer in
      writer.append([1, 0x00])  // one active segment, in memory 0
      ModuleGenerator.writeConstant(&writer, ModuleGenerator.firstStringAddress)
      writer.unsigned(staticData.bytes.count)
      writer.append(staticData.bytes)
    }
    module.section(0) { writeNames(&$0) }
    return module.bytes
  }

  private func writeTypes(_ writer: inout ByteWriter) {
    writer.vector(types) { writer, type in
      writer.byte(0x60)
      writer.vector(type.parameters) { $0.byte($1.rawValue) }
      writer.vector(type.results) { $0.byte($1.rawValue) }
    }
  }

  private mutating func writeImports(_ writer: inout ByteWriter) {
    var imports = program.runtimeFunctions.map { (options.runtimeModule, $0.rawValue, $0.signature.wasmSignature) }
    if program.exits {
      imports.append(
        ("wasi_snapshot_preview1", ModuleGenerator.exitFunctionName, WasmSignature(parameters: [.i32], results: [])))
    }
    writer.unsigned(imports.count)
    for (module, name, signature) in imports {
      writer.name(module)
      writer.name(name)
      writer.byte(0x00)
      writer.unsigned(typeIndex(signature))
    }
  }

  private func writeTable(_ writer: inout ByteWriter) {
    writer.append([1, 0x70, 0x00])  // one table of funcref, without a maximum
    writer.unsigned(ModuleGenerator.firstSlot + program.functionValues.count)
  }

  private func writeGlobals(_ writer: inout ByteWriter) {
    let isSection = options.entry == .section
    writer.unsigned(1 + program.globals.count + (isSection ? 1 : 0))
    writer.append([WasmType.i32.rawValue, 0x00])  // immutable
    ModuleGenerator.writeConstant(&writer, heapBase)
    for global in program.globals {
      writer.append([global.type.wasmType.rawValue, 0x01])
      switch global.type {
      case .number:
        writer.byte(0x44)
        writer.float(0)
        writer.byte(0x0b)
      case .string: ModuleGenerator.writeConstant(&writer, stringAddresses[0])
      case .bool, .list, .function, .nothing: ModuleGenerator.writeConstant(&writer, 0)
      }
    }
    if isSection {
      writer.append([WasmType.i32.rawValue, 0x01])
      ModuleGenerator.writeConstant(&writer, 0)
    }
  }

  /// A constant expression: `i32.const VALUE end`.
  private static func writeConstant(_ writer: inout ByteWriter, _ value: Int) {
    writer.byte(0x41)
    writer.signed(value)
    writer.byte(0x0b)
  }

  private func writeExports(_ writer: inout ByteWriter) {
    // The kinds: 0 function, 1 table, 2 memory, 3 global.
    var exports: [(name: String, kind: UInt8, index: Int)] = [
      ("memory", 2, 0), ("__heap_base", 3, ModuleGenerator.heapBaseIndex),
    ]
    if options.exportsTable { exports.append(("__indirect_function_table", 1, 0)) }
    switch options.entry {
    case .start: exports.append(("_start", 0, mainIndex))
    case .section: exports.append(("main_done", 3, mainDoneIndex))
    }
    writer.vector(exports) { writer, export in
      writer.name(export.name)
      writer.byte(export.kind)
      writer.unsigned(export.index)
    }
  }

  private func writeElements(_ writer: inout ByteWriter) {
    writer.append([1, 0x00])  // one active segment of function indices, in table 0
    ModuleGenerator.writeConstant(&writer, ModuleGenerator.firstSlot)
    writer.vector(program.functionValues) { $0.unsigned(functionIndex($1)) }
  }

  // MARK: Code

  private mutating func body(_ function: Function, isMain: Bool) -> ByteWriter {
    var generator = BodyGenerator(indices: self)
    generator.steps(function.body)
    if isMain {
      generator.call(.runtime(.finish))
      if options.entry == .section {
        generator.constant(1)
        generator.setGlobal(mainDoneIndex)
      }
    }
    generator.end(unreachable: function.signature.result != .nothing)
    types = generator.indices.types

    var body = ByteWriter()
    body.vector(Array(function.locals[function.signature.parameters.count...])) { writer, local in
      writer.append([1, local.type.wasmType.rawValue])
    }
    body.append(generator.code.bytes)
    return body
  }

  // MARK: Names

  /// The name section (core specification, appendix "Custom Sections").
  private func writeNames(_ writer: inout ByteWriter) {
    writer.name("name")
    let functions = program.functions + [program.main]
    var names = program.runtimeFunctions.map(\.rawValue)
    if program.exits { names.append(ModuleGenerator.exitFunctionName) }
    names += functions.map(\.name)
    writer.section(1) { ModuleGenerator.writeNameMap(&$0, names) }
    writer.section(2) { writer in
      writer.unsigned(functions.count)
      for (index, function) in functions.enumerated() {
        writer.unsigned(importCount + index)
        ModuleGenerator.writeNameMap(&writer, function.locals.map(\.name))
      }
    }
    var globals = ["__heap_base"] + program.globals.map(\.name)
    if options.entry == .section { globals.append("main_done") }
    writer.section(7) { ModuleGenerator.writeNameMap(&$0, globals) }
  }

  /// The names of things numbered from 0.
  private static func writeNameMap(_ writer: inout ByteWriter, _ names: [String]) {
    writer.unsigned(names.count)
    for (index, name) in names.enumerated() {
      writer.unsigned(index)
      writer.name(name)
    }
  }
}
