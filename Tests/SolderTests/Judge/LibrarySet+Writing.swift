/// From a library of a set to a module.
struct LibraryWriter {
  let whole: LibrarySet
  var library: LibrarySet.Library
  var builder: ModuleBuilder
  var memoryBase = 0
  var tableBase = 0
  private var stackPointer = 0
  var addresses: [String: Int] = [:]
  var slotGlobals: [String: Int] = [:]
  private var imports: [String: Int] = [:]
  private var host = 0
  private var shared = 0
  private var tag = 0
  /// What other libraries lend, by the name under which they do.
  private var borrowed: [String: Int] = [:]
  private var ownMemory = 0
  private var ownTable = 0
  private var firstFunction = 0
  private var firstGlobal = 0
  /// What a threaded library has of thread-local data (`LibrarySet+Threads.swift`).
  var threads = ThreadParts()
  var code: [WasmInstruction] = []
  var result = 0

  init(set: LibrarySet, library: LibrarySet.Library) {
    whole = set
    self.library = library
    builder = ModuleBuilder(is64: set.is64)
  }

  var address: WasmType { .address(is64: whole.is64) }
  var width: Int { whole.is64 ? 8 : 4 }
  func number(_ value: Int) -> WasmInstruction { .addressConst(Int64(value), is64: whole.is64) }
  var add: WasmInstruction { whole.is64 ? .i64Add : .i32Add }
  /// Where a cell is in the library's block: thread-local data comes first.
  func place(_ cell: Int) -> Int { (library.threadCells.count + cell) * width }
  private func offset(_ cell: Int) -> UInt64 { UInt64(place(cell)) }
  func load(_ offset: UInt64 = 0) -> WasmInstruction {
    whole.is64 ? .i64Load(offset: offset) : .i32Load(offset: offset)
  }
  func store(_ offset: UInt64 = 0) -> WasmInstruction {
    whole.is64 ? .i64Store(offset: offset) : .i32Store(offset: offset)
  }
  func parameters(_ count: Int) -> [WasmType] { Array(repeating: .i32, count: count) }

  /// All steps of all functions.
  var steps: [LibrarySet.Step] {
    library.functions.flatMap(\.body) + (library.constructor ?? []) + (library.destructor ?? []) + (library.start ?? [])
  }

  // MARK: Libraries

  mutating func write() -> ModuleBuilder {
    builder.padsOperands = library.padsOperands
    var dylink = Dylink(
      memorySize: UInt64(blockSize), memoryAlignment: library.alignment,
      tableSize: library.slots.count)
    dylink.needed = library.needed.filter { !whole.libraries[$0].isRemoved }.map { whole.libraries[$0].name }
    dylink.isLegacy = library.isLegacy
    dylink.exports = library.exports.filter { library.threadLocal.contains($0.name) }.map { ($0.name, 0x100) }
    dylink.exports += library.threadExports.map { ($0.name, 0x100) }
    addImports(&dylink)
    builder.dylink = dylink
    let own = String(library.name.dropFirst(3).prefix { $0 != "." })
    func lent(_ name: String) -> String? { library.lends ? name : nil }
    if library.hasOwnMemory { ownMemory = builder.memory(Limits(1), export: lent("m\(own)")) }
    if !library.ownSlots.isEmpty {
      ownTable = builder.table(.funcref, Limits(UInt64(library.ownSlots.count)), export: lent("t\(own)"))
    }
    for (place, value) in library.globals.enumerated() {
      builder.global(.i32, isMutable: true, [.i32Const(value)], export: lent("v\(own)_\(place)"))
    }
    for (name, cell) in library.exports { builder.global(address, [number(place(cell))], export: name) }
    if whole.isThreaded { declareThreadData() }
    firstFunction = builder.importCount(.function)
    for (place, function) in library.functions.enumerated() {
      let index = builder.function(
        parameters(function.parameters), [.i32], locals: [.i32, address],
        name: library.hasNames ? function.exports.first ?? "local\(place)" : nil,
        body(function.body, parameters: function.parameters) + [.localGet(function.parameters)])
      for name in function.exports { builder.export(name, .function, index) }
    }
    for (name, other) in library.dataReexports {
      if let index = addresses[other] { builder.export(name, .global, index) }
    }
    for (name, other) in library.reexports { if let index = imports[other] { builder.export(name, .function, index) } }
    addSpecialFunctions()
    if !library.slots.isEmpty {
      builder.element(.active([.globalGet(tableBase)]), functions: library.slots.map { firstFunction + $0 })
    }
    if !library.ownSlots.isEmpty {
      builder.element(.at(0, memory: ownTable), functions: library.ownSlots.map { firstFunction + $0 })
    }
    if library.hasOwnMemory { builder.data(.at(4, memory: ownMemory), [9, 8, 7, 6, 5, 4, 3, 2, 1]) }
    if whole.isThreaded { addThreadData() } else { addData() }
    return builder
  }

  private mutating func addData() {
    for (start, bytes) in pieces {
      let offset: [WasmInstruction] =
        start == 0 ? [.globalGet(memoryBase)] : [.globalGet(memoryBase), number(start), add]
      builder.data(.active(offset), bytes)
    }
  }

  /// The cells, in one segment or two, and where they begin in the block.
  var pieces: [(start: Int, bytes: [UInt8])] {
    let (bytes, end) = (bytes(of: library.cells), (library.secondSegment ?? library.cells.count) * width)
    return [(place(0), Array(bytes[..<end])), (place(0) + end, Array(bytes[end...]))].filter { !$0.1.isEmpty }
  }

  func bytes(of cells: [LibrarySet.Cell]) -> [UInt8] {
    var bytes: [UInt8] = []
    for cell in cells {
      let value = if case .number(let value) = cell { UInt64(truncatingIfNeeded: value) } else { UInt64(0) }
      bytes.fixed(whole.is64 ? value & 0xFFFF_FFFF : value, width: width)
    }
    return bytes
  }

  private mutating func addImports(_ dylink: inout Dylink) {
    let limits =
      whole.isThreaded ? Limits(1, 1 << 16, shared: true, is64: whole.is64) : Limits(0, is64: whole.is64)
    builder.importMemory("env", "memory", limits)
    builder.importTable("env", "__indirect_function_table", .funcref, Limits(0, is64: whole.is64))
    memoryBase = builder.importGlobal("env", "__memory_base", address)
    tableBase = builder.importGlobal("env", "__table_base", address)
    stackPointer = builder.importGlobal("env", "__stack_pointer", address, isMutable: true)
    func addAddress(_ name: String) {
      guard addresses[name] == nil else { return }
      addresses[name] = builder.importGlobal("GOT.mem", name, address, isMutable: true)
      if whole.missingData.contains(name) { dylink.imports.append(("GOT.mem", name, 1)) }
    }
    func addSlot(_ name: String) {
      guard slotGlobals[name] == nil else { return }
      slotGlobals[name] = builder.importGlobal("GOT.func", name, address, isMutable: true)
      if whole.weak.contains(name) { dylink.imports.append(("GOT.func", name, 1)) }
    }
    func addFunction(_ name: String) {
      guard imports[name] == nil, let function = whole.functions[name] else { return }
      imports[name] = builder.importFunction("env", name, parameters(function.parameters), [.i32])
      if whole.weak.contains(name) { dylink.imports.append(("env", name, 1)) }
    }
    for cell in library.cells + library.threadCells {
      switch cell {
      case .pointerTo(let name): addAddress(name)
      case .slotOf(let name): addSlot(name)
      default: break
      }
    }
    for step in steps {
      switch step {
      case .loadName(let name), .storeName(let name), .isAddress(let name, _), .isNullData(let name),
        .loadThreadName(let name), .storeThreadName(let name), .isThreadAddress(let name, _):
        addAddress(name)
      case .callAddress(let name), .isSlot(let name, _): addSlot(name)
      case .isNull(let name):
        addSlot(name)
        addFunction(name)
      case .callName(let name): addFunction(name)
      default: break
      }
    }
    for (_, name) in library.reexports { addFunction(name) }
    for (_, name) in library.dataReexports { addAddress(name) }
    for step in steps {
      switch step {
      case .callAndCatch(let name): addFunction(name)
      default: break
      }
    }
    for step in steps { borrow(step) }
    if steps.contains(where: \.usesShared) {
      shared = builder.importGlobal("env", "shared", .i32, isMutable: true)
    }
    if steps.contains(where: \.usesTag) { tag = builder.importTag("env", "thrown", [.i32]) }
    host = builder.importFunction("host", "log", [.i32])
    importThreadParts()
    firstGlobal = builder.importCount(.global)
  }

  private mutating func borrow(_ step: LibrarySet.Step) {
    switch step {
    case .readVariable(let other, let place), .writeVariable(let other, let place):
      let name = "v\(other)_\(place)"
      if borrowed[name] == nil { borrowed[name] = builder.importGlobal("env", name, .i32, isMutable: true) }
    case .loadMemory(let other, _), .storeMemory(let other, _):
      let name = "m\(other)"
      if borrowed[name] == nil { borrowed[name] = builder.importMemory("env", name, Limits(1)) }
    case .callTableOf(let other, _):
      let name = "t\(other)"
      if borrowed[name] == nil { borrowed[name] = builder.importTable("env", name, .funcref, Limits(0)) }
    default: break
    }
  }

  /// The functions that a loader calls.
  private mutating func addSpecialFunctions() {
    let relocations = relocations(of: library.cells, at: place(0), from: .globalGet(memoryBase))
    var relocate: Int?
    if !relocations.isEmpty {
      relocate = builder.function(
        export: library.relocation == .exported ? "__wasm_apply_data_relocs" : nil,
        name: library.hasNames ? "__wasm_apply_data_relocs" : nil, relocations)
    }
    if library.start != nil || relocate != nil && library.relocation == .fromStart {
      let own = body(library.start ?? [], parameters: 0)
      let call = library.relocation == .fromStart ? relocate.map { [WasmInstruction.call($0)] } ?? [] : []
      builder.start = builder.function(locals: [.i32, address], call + own)
    }
    if library.constructor != nil || relocate != nil && library.relocation == .fromConstructors {
      let own = body(library.constructor ?? [], parameters: 0)
      let call = library.relocation == .fromConstructors ? relocate.map { [WasmInstruction.call($0)] } ?? [] : []
      builder.function(locals: [.i32, address], export: "__wasm_call_ctors", call + own)
    }
    if let steps = library.destructor {
      let own = body(steps, parameters: 0)
      builder.function(locals: [.i32, address], export: "__wasm_call_dtors", own)
    }
  }

  /// Stores all that is not a number, counted from `base`.
  func relocations(of cells: [LibrarySet.Cell], at start: Int, from base: WasmInstruction) -> [WasmInstruction] {
    var relocations: [WasmInstruction] = []
    for (index, cell) in cells.enumerated() {
      let value: [WasmInstruction]
      switch cell {
      case .number: continue
      case .pointer(let other): value = [.globalGet(memoryBase), number(place(other)), add]
      case .pointerTo(let name): value = [.globalGet(addresses[name] ?? 0)]
      case .slot(let slot): value = [.globalGet(tableBase), number(slot), add]
      case .slotOf(let name): value = [.globalGet(slotGlobals[name] ?? 0)]
      }
      if index % 2 == 0 {
        relocations += [base, number(start + index * width), add] + value + [store()]
      } else {
        relocations += [base] + value + [store(UInt64(start + index * width))]
      }
    }
    return relocations
  }

  // MARK: Programs

  mutating func write(_ program: LibrarySet.Program) -> ModuleBuilder {
    let all = program.functions.flatMap(\.body)
    for step in all {
      guard case .callName(let name) = step, imports[name] == nil, let function = whole.functions[name] else {
        continue
      }
      imports[name] = builder.importFunction("env", name, parameters(function.parameters), [.i32])
    }
    host = builder.importFunction("host", "log", [.i32])
    firstFunction = builder.importCount(.function)
    builder.memory(Limits(1, is64: whole.is64), export: "memory")
    builder.global(address, [number(512)], export: "__heap_base")
    builder.data(whole.is64 ? .at64(16) : .at(16), Array(1...60))
    for function in program.functions {
      builder.function(
        parameters(function.parameters), [.i32], locals: [.i32, address], export: function.exports.first,
        body(function.body, parameters: function.parameters) + [.localGet(function.parameters)])
    }
    return builder
  }

  // MARK: Code

  private mutating func body(_ steps: [LibrarySet.Step], parameters: Int) -> [WasmInstruction] {
    code = []
    result = parameters
    for parameter in 0..<parameters { mix([.localGet(parameter)]) }
    for step in steps { write(step) }
    return code
  }

  /// Mixes what `value` leaves on the stack, an i32, into the result.
  mutating func mix(_ value: [WasmInstruction]) {
    code += [.localGet(result), .i32Const(31), .i32Mul] + value + [.i32Add, .localSet(result)]
  }

  private func arguments(_ count: Int) -> [WasmInstruction] {
    (0..<count).flatMap { [WasmInstruction.localGet(result), .i32Const(Int32($0)), .i32Xor] }
  }

  /// The address of an own cell, and the offset of the access.
  private mutating func cellAddress(_ cell: Int) -> (code: [WasmInstruction], offset: UInt64) {
    address(place(cell), from: memoryBase)
  }

  /// An address that counts from a variable, and the offset of the access: three ways to say it, in turn.
  mutating func address(_ place: Int, from base: Int) -> (code: [WasmInstruction], offset: UInt64) {
    switch (place / width + code.count) % 3 {
    case 0: return ([.globalGet(base)], UInt64(place))
    case 1: return ([.globalGet(base), number(place), add], 0)
    default:
      code += [.globalGet(base), .localSet(result + 1)]
      return ([number(place), .localGet(result + 1), add], 0)
    }
  }

  private mutating func write(_ step: LibrarySet.Step) {
    let type = { (count: Int, builder: inout ModuleBuilder) in
      builder.type(Array(repeating: .i32, count: count), [.i32])
    }
    switch step {
    case .number(let number): mix([.i32Const(number)])
    case .load(let cell):
      let (base, offset) = cellAddress(cell)
      mix(base + [.i32Load(offset: offset)])
    case .store(let cell):
      let (base, offset) = cellAddress(cell)
      code += base + [.localGet(result), .i32Store(offset: offset)]
    case .loadThrough(let cell):
      guard library.cells[cell].isPointer else { return }
      let (base, offset) = cellAddress(cell)
      mix(base + [load(offset), .i32Load()])
    case .callSlot(let cell, let count):
      guard library.cells[cell].isSlot else { return }
      let (base, offset) = cellAddress(cell)
      let index = type(count, &builder)
      mix(arguments(count) + base + [load(offset), .callIndirect(type: index)])
    case .loadName(let name): mix([.globalGet(addresses[name] ?? 0), .i32Load()])
    case .storeName(let name): code += [.globalGet(addresses[name] ?? 0), .localGet(result), .i32Store()]
    case .call(let function):
      mix(arguments(library.functions[function].parameters) + [.call(firstFunction + function)])
    case .callName(let name):
      guard let function = whole.functions[name], let index = imports[name] else { return }
      mix(arguments(function.parameters) + [.call(index)])
    case .callAddress(let name):
      guard let function = whole.functions[name] else { return }
      let index = type(function.parameters, &builder)
      mix(arguments(function.parameters) + [.globalGet(slotGlobals[name] ?? 0), .callIndirect(type: index)])
    case .callTable(let slot, let isVariable):
      let function = library.functions[library.slots[slot]]
      let index = type(function.parameters, &builder)
      if isVariable {
        code += [.globalGet(tableBase), number(slot), add, .localSet(result + 1)]
        let zero: [WasmInstruction] = [.localGet(result), .i32Const(0), .i32And] + (whole.is64 ? [.i64ExtendI32U] : [])
        mix(arguments(function.parameters) + [.localGet(result + 1)] + zero + [add, .callIndirect(type: index)])
      } else {
        mix(arguments(function.parameters) + [number(slot), .globalGet(tableBase), add, .callIndirect(type: index)])
      }
    default: writeRest(step)
    }
  }

  private mutating func writeRest(_ step: LibrarySet.Step) {
    let equal: WasmInstruction = whole.is64 ? .i64Eq : .i32Eq
    switch step {
    case .isAddress(let name, let cell):
      guard library.cells[cell].isPointer else { return }
      let (base, offset) = cellAddress(cell)
      mix(base + [load(offset), .globalGet(addresses[name] ?? 0), equal])
    case .isSlot(let name, let cell):
      guard library.cells[cell].isSlot else { return }
      let (base, offset) = cellAddress(cell)
      mix(base + [load(offset), .globalGet(slotGlobals[name] ?? 0), equal])
    case .isNull(let name):
      mix([.globalGet(slotGlobals[name] ?? 0), whole.is64 ? .i64Eqz : .i32Eqz])
      // Called where it is not null, which is nowhere.
      guard let function = whole.functions[name], let index = imports[name] else { return }
      code += [.globalGet(slotGlobals[name] ?? 0), number(0), equal, .i32Eqz, .if()]
      mix(arguments(function.parameters) + [.call(index)])
      code.append(.end)
    case .isNullData(let name): mix([.globalGet(addresses[name] ?? 0), whole.is64 ? .i64Eqz : .i32Eqz])
    case .stack:
      code += [.globalGet(stackPointer), number(16), whole.is64 ? .i64Sub : .i32Sub, .localTee(result + 1)]
      code += [.globalSet(stackPointer), .localGet(result + 1), .localGet(result), .i32Store(offset: 8)]
      mix([.localGet(result + 1), .i32Load(offset: 8)])
      code += [.localGet(result + 1), number(16), add, .globalSet(stackPointer)]
    case .readGlobal(let global): mix([.globalGet(firstGlobal + global)])
    case .writeGlobal(let global): code += [.localGet(result), .globalSet(firstGlobal + global)]
    case .host(let number): code += [.i32Const(Int32(number)), .call(host)]
    case .readShared: mix([.globalGet(shared)])
    case .writeShared: code += [.localGet(result), .globalSet(shared)]
    case .loadOwnMemory(let at): mix([.i32Const(Int32(at)), .i32Load(offset: 1, align: 0, memory: ownMemory)])
    case .storeOwnMemory(let at):
      code += [.i32Const(Int32(at)), .localGet(result), .i32Store(align: 1, memory: ownMemory)]
    case .callOwnTable(let slot): callTable(of: library, slot, table: ownTable)
    case .readVariable(let other, let place): mix([.globalGet(borrowed["v\(other)_\(place)"] ?? 0)])
    case .writeVariable(let other, let place):
      code += [.localGet(result), .globalSet(borrowed["v\(other)_\(place)"] ?? 0)]
    case .loadMemory(let other, let at):
      mix([.i32Const(Int32(at)), .i32Load(offset: 1, align: 0, memory: borrowed["m\(other)"] ?? 0)])
    case .storeMemory(let other, let at):
      code += [.i32Const(Int32(at)), .localGet(result), .i32Store(align: 1, memory: borrowed["m\(other)"] ?? 0)]
    case .callTableOf(let other, let slot):
      callTable(of: whole.libraries[other], slot, table: borrowed["t\(other)"] ?? 0)
    case .throwSometimes:
      code += [.localGet(result), .i32Const(1), .i32And, .if(), .localGet(result), .throw(tag), .end]
    case .callAndCatch(let name):
      guard let function = whole.functions[name], let index = imports[name] else { return }
      // block $done; block $caught (result i32); try_table (catch tag $caught); call; mix; br $done; end; unreachable;
      // end; mix what was caught; end.
      code += [.block(), .block(.i32), .tryTable(nil, [.bytes([1, 0]), .index(tag), .bytes([0])])]
      mix(arguments(function.parameters) + [.call(index)])
      code += [.br(2), .end, .unreachable, .end, .localGet(result), .i32Const(17), .i32Mul, .i32Add, .localSet(result)]
      code += [.end]
    case .loadOwn(let at): mix([number(at), .i32Load()])
    case .storeOwn(let at): code += [number(at), .localGet(result), .i32Store()]
    default: writeThreadStep(step)
    }
  }
}

extension LibraryWriter {
  fileprivate mutating func callTable(of library: LibrarySet.Library, _ slot: Int, table: Int) {
    let function = library.functions[library.ownSlots[slot]]
    let index = builder.type(parameters(function.parameters), [.i32])
    mix(arguments(function.parameters) + [.i32Const(Int32(slot)), .callIndirect(type: index, table: table)])
  }
}

extension LibrarySet.Step {
  fileprivate var usesShared: Bool {
    switch self {
    case .readShared, .writeShared: true
    default: false
    }
  }

  fileprivate var usesTag: Bool {
    switch self {
    case .throwSometimes, .callAndCatch: true
    default: false
    }
  }
}
