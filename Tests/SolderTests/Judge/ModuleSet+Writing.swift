/// From a set to files.
extension ModuleSet {
  var files: [(name: String, builder: ModuleBuilder)] {
    modules.filter { !$0.isRemoved }.map { module in
      var writer = ModuleWriter(set: self, module: module)
      return (module.fileName, writer.write())
    }
  }

  /// The words of the command line, with files by name.
  var words: [String] {
    options
      + order.filter { !modules[$0].isRemoved }.map {
        modules[$0].isNamed ? "\(modules[$0].name)=\(modules[$0].fileName)" : modules[$0].fileName
      }
  }
}

private struct ModuleWriter {
  typealias Value = ModuleSet.Value
  typealias Signature = ModuleSet.Signature

  let set: ModuleSet
  let module: ModuleSet.Module
  var builder = ModuleBuilder()
  /// Index by entity.
  var indices: [Int?] = []
  var elementIndices: [Int?] = []
  var dataIndices: [Int?] = []
  var familyTypes: [Int: Int] = [:]
  /// The code of the function that is being written, and the local that is its result.
  var code: [WasmInstruction] = []
  var result = 0

  init(set: ModuleSet, module: ModuleSet.Module) {
    self.set = set
    self.module = module
  }

  mutating func write() -> ModuleBuilder {
    builder.padsOperands = module.padsOperands
    assignIndices()
    for entity in module.entities where entity.source != nil && !entity.isRemoved { addImport(entity) }
    for (place, entity) in module.entities.enumerated() where entity.source == nil && !entity.isRemoved {
      define(entity, place)
    }
    for (place, entity) in module.entities.enumerated() where !entity.isRemoved {
      for name in entity.exports { builder.export(name, entity.type.kind, indices[place] ?? 0) }
    }
    if let start = module.start, let index = indices[start] { builder.start = index }
    for segment in module.elements where !segment.isRemoved { add(segment) }
    for segment in module.data where !segment.isRemoved {
      if let place = segment.place, let memory = indices[place.memory] {
        builder.data(
          .active(initial(place.offset, isMemory64(place.memory) ? .i64 : .i32), memory: memory), segment.bytes)
      } else {
        builder.data(.passive, segment.bytes)
      }
    }
    declareFunctions()
    builder.hasDataCount = module.data.contains { !$0.isRemoved }
    if module.hasNames {
      builder.moduleName = module.name
      for (place, entity) in module.entities.enumerated() where !entity.isRemoved {
        guard let index = indices[place] else { continue }
        switch entity.type.kind {
        case .function: builder.functionNames[index] = "f\(place)"
        case .global: builder.globalNames[index] = "g\(place)"
        default: break
        }
      }
    }
    return builder
  }

  private mutating func assignIndices() {
    indices = Array(repeating: nil, count: module.entities.count)
    var counts: [ModuleBuilder.Kind: Int] = [:]
    for isImport in [true, false] {
      for (place, entity) in module.entities.enumerated()
      where (entity.source != nil) == isImport && !entity.isRemoved {
        indices[place] = counts[entity.type.kind, default: 0]
        counts[entity.type.kind, default: 0] += 1
      }
    }
    func numbers(_ isRemoved: [Bool]) -> [Int?] {
      var next = 0
      return isRemoved.map { isRemoved in
        if isRemoved { return nil }
        defer { next += 1 }
        return next
      }
    }
    elementIndices = numbers(module.elements.map(\.isRemoved))
    dataIndices = numbers(module.data.map(\.isRemoved))
  }

  // MARK: Types

  private mutating func type(_ value: Value) -> WasmType {
    switch value {
    case .i32: .i32
    case .i64: .i64
    case .f32: .f32
    case .f64: .f64
    case .funcref: .funcref
    case .externref: .externref
    case .reference(let family): .reference(familyType(family))
    }
  }

  private mutating func familyType(_ family: Int) -> Int {
    if let known = familyTypes[family] { return known }
    let description = set.families[family]
    let parent = description.parent.map { familyType($0) }
    let parameters = description.signature.parameters.map { type($0) }
    let results = description.signature.results.map { type($0) }
    let index = builder.subtype(parameters, results, of: parent, isFinal: description.isFinal)
    familyTypes[family] = index
    return index
  }

  private mutating func typeIndex(_ signature: Signature) -> Int {
    if let family = signature.family { return familyType(family) }
    let parameters = signature.parameters.map { type($0) }
    return builder.type(parameters, signature.results.map { type($0) })
  }

  // MARK: Entities

  private mutating func addImport(_ entity: ModuleSet.Entity) {
    guard let (module, name) = entity.source else { return }
    switch entity.type {
    case .function(let signature): builder.importFunction(module, name, type: typeIndex(signature))
    case .table(let value, let limits): builder.importTable(module, name, type(value), limits)
    case .memory(let limits): builder.importMemory(module, name, limits)
    case .global(let value, let isMutable): builder.importGlobal(module, name, type(value), isMutable: isMutable)
    case .tag(let parameters): builder.importTag(module, name, parameters.map { type($0) })
    }
  }

  private mutating func define(_ entity: ModuleSet.Entity, _ place: Int) {
    switch entity.type {
    case .function(let signature):
      let index = typeIndex(signature)
      builder.function(
        type: index, locals: [.i32], body(entity.body, signature))
    case .table(let value, let limits):
      if case .function = entity.initial {
        let initial = initial(entity.initial, value)
        builder.table(type(value), limits, initial: initial)
      } else {
        builder.table(type(value), limits)
      }
    case .memory(let limits): builder.memory(limits)
    case .global(let value, let isMutable):
      let initial = initial(entity.initial, value)
      builder.global(type(value), isMutable: isMutable, initial)
    case .tag(let parameters): builder.tag(parameters.map { type($0) })
    }
  }

  /// A constant expression of this type.
  private mutating func initial(_ initial: ModuleSet.Initial, _ value: Value) -> [WasmInstruction] {
    func number(_ number: Int32) -> [WasmInstruction] {
      switch value {
      case .i64: [.i64Const(Int64(number))]
      case .f32: [.f32Const(Float(number))]
      case .f64: [.f64Const(Double(number))]
      default: [.i32Const(number)]
      }
    }
    switch initial {
    case .zero where value.isReference: return [.refNull(type(value))]
    case .zero: return number(0)
    case .number(let value): return number(value)
    case .global(let global):
      guard let index = indices[global] else { return self.initial(.zero, value) }
      return [.globalGet(index)]
    case .sum(let global, let more):
      guard let index = indices[global] else { return number(more) }
      return [.globalGet(index)] + number(more) + [value == .i64 ? .i64Add : .i32Add]
    case .difference(let global, let less):
      guard let index = indices[global] else { return number(-less) }
      return [.globalGet(index)] + number(less) + [value == .i64 ? .i64Sub : .i32Sub]
    case .product(let global, let factor):
      guard let index = indices[global] else { return number(factor) }
      return [.globalGet(index)] + number(factor) + [value == .i64 ? .i64Mul : .i32Mul]
    case .function(let function):
      guard let index = indices[function] else { return [.refNull(type(value))] }
      return [.refFunc(index)]
    }
  }

  private func isMemory64(_ place: Int) -> Bool {
    if case .memory(let limits) = module.entities[place].type { limits.is64 } else { false }
  }

  private func isTable64(_ place: Int) -> Bool {
    if case .table(_, let limits) = module.entities[place].type { limits.is64 } else { false }
  }

  private mutating func add(_ segment: ModuleSet.Elements) {
    let placement: ModuleBuilder.Placement
    switch segment.place {
    case .active(let table, let offset):
      guard let index = indices[table] else {
        builder.element(.passive, functions: [])
        return
      }
      placement = .active(initial(offset, isTable64(table) ? .i64 : .i32), memory: index)
    case .passive: placement = .passive
    case .declarative: placement = .declarative
    }
    let functions = segment.functions.map { $0.flatMap { indices[$0] } }
    if segment.isExpressions || functions.contains(nil) {
      builder.element(placement, .funcref, functions.map { [$0.map { .refFunc($0) } ?? .refNull(.funcref)] })
    } else {
      builder.element(placement, functions: functions.compactMap(\.self))
    }
  }

  /// Functions that `ref.func` in code names have to occur outside of code too.
  private mutating func declareFunctions() {
    var named: Set<Int> = []
    for entity in module.entities where !entity.isRemoved {
      for step in entity.body {
        switch step {
        case .tableSet(_, _, let function?), .setReference(_, let function): named.insert(function)
        default: break
        }
      }
    }
    let declared = named.compactMap { indices[$0] }.sorted()
    if !declared.isEmpty { builder.element(.declarative, functions: declared) }
  }

  // MARK: Code

  /// Mixes what `value` leaves on the stack, an i32, into the result.
  private mutating func mix(_ value: [WasmInstruction]) {
    code += [.localGet(result), .i32Const(31), .i32Mul] + value + [.i32Add, .localSet(result)]
  }

  private mutating func body(_ steps: [ModuleSet.Step], _ signature: Signature) -> [WasmInstruction] {
    let result = signature.parameters.count
    code = []
    self.result = result
    for (place, parameter) in signature.parameters.enumerated() { mix([.localGet(place)] + toNumber(parameter)) }
    for step in steps { write(step) }
    for value in signature.results { code += [.localGet(result)] + fromNumber(value) }
    return code
  }

  private func toNumber(_ value: Value) -> [WasmInstruction] {
    switch value {
    case .i32: []
    case .i64: [.i32WrapI64]
    case .f32: [.i32ReinterpretF32]
    case .f64: [.i64ReinterpretF64, .i64Const(32), .raw(0x88), .i32WrapI64]
    default: [.refIsNull]
    }
  }

  private mutating func fromNumber(_ value: Value) -> [WasmInstruction] {
    switch value {
    case .i32: []
    case .i64: [.i64ExtendI32S]
    case .f32: [.raw(0xB2)]
    case .f64: [.raw(0xB7)]
    default: [.drop, .refNull(type(value))]
    }
  }

  private mutating func arguments(_ signature: Signature) -> [WasmInstruction] {
    var code: [WasmInstruction] = []
    for parameter in signature.parameters { code += [.localGet(result)] + fromNumber(parameter) }
    return code
  }

  /// Brings the result of a call, of which there is one at most, to a number.
  private func joined(_ results: [Value]) -> [WasmInstruction] { results.first.map(toNumber) ?? [.i32Const(1)] }

  private func signature(_ place: Int) -> Signature? {
    if case .function(let signature) = module.entities[place].type { signature } else { nil }
  }

  private func address(_ value: Int, is64: Bool) -> WasmInstruction { .addressConst(Int64(value), is64: is64) }

  private mutating func write(
    _ step: ModuleSet.Step
  ) {
    // Whatever refers to something that is left out is left out.
    switch step {
    case .addNumber(let number): mix([.i32Const(number)])
    case .readGlobal(let global):
      guard let index = indices[global], case .global(let value, _) = module.entities[global].type else { return }
      mix([.globalGet(index)] + toNumber(value))
    case .writeGlobal(let global):
      guard let index = indices[global], case .global(let value, true) = module.entities[global].type else { return }
      code += [.localGet(result)] + fromNumber(value) + [.globalSet(index)]
    case .call(let function):
      guard let index = indices[function], let signature = signature(function) else { return }
      mix(arguments(signature) + [.call(index)] + joined(signature.results))
    case .callIndirect(let table, let slot, let signature):
      guard let index = indices[table] else { return }
      let type = typeIndex(signature)
      mix(
        arguments(signature) + [address(slot, is64: isTable64(table)), .callIndirect(type: type, table: index)]
          + joined(signature.results))
    default: writeMemoryStep(step)
    }
  }

  private mutating func writeMemoryStep(
    _ step: ModuleSet.Step
  ) {
    switch step {
    case .load(let memory, let at):
      guard let index = indices[memory] else { return }
      mix([address(at, is64: isMemory64(memory)), .i32Load(offset: 1, align: 0, memory: index)])
    case .store(let memory, let at):
      guard let index = indices[memory] else { return }
      code += [
        address(at, is64: isMemory64(memory)), .localGet(result), .i32Store(align: 1, memory: index),
      ]
    case .memorySize(let memory):
      guard let index = indices[memory] else { return }
      mix([.memorySize(index)] + (isMemory64(memory) ? [.i32WrapI64] : []))
    case .memoryGrow(let memory):
      guard let index = indices[memory] else { return }
      let is64 = isMemory64(memory)
      mix([address(1, is64: is64), .memoryGrow(index)] + (is64 ? [.i32WrapI64] : []))
    case .memoryInit(let data, let memory, let at, let count):
      guard let segment = dataIndices[data], let index = indices[memory] else { return }
      code += [
        address(at, is64: isMemory64(memory)), .i32Const(0), .i32Const(Int32(count)),
        .memoryInit(segment, memory: index),
      ]
    case .dataDrop(let data):
      guard let segment = dataIndices[data] else { return }
      code.append(.dataDrop(segment))
    case .memoryCopy(let to, let from, let at, let source, let count):
      guard let target = indices[to], let origin = indices[from] else { return }
      code += [
        address(at, is64: isMemory64(to)), address(source, is64: isMemory64(from)),
        address(count, is64: isMemory64(to) && isMemory64(from)), .memoryCopy(to: target, from: origin),
      ]
    case .memoryFill(let memory, let at, let count):
      guard let index = indices[memory] else { return }
      let is64 = isMemory64(memory)
      code += [address(at, is64: is64), .localGet(result), address(count, is64: is64), .memoryFill(index)]
    default: writeTableStep(step)
    }
  }

  private mutating func writeTableStep(
    _ step: ModuleSet.Step
  ) {
    func null(_ table: Int) -> WasmInstruction? {
      guard case .table(let value, _) = module.entities[table].type else { return nil }
      return .refNull(type(value))
    }
    switch step {
    case .tableSize(let table):
      guard let index = indices[table] else { return }
      mix([.tableSize(index)] + (isTable64(table) ? [.i32WrapI64] : []))
    case .tableGrow(let table):
      guard let index = indices[table], let null = null(table) else { return }
      let is64 = isTable64(table)
      mix([null, address(1, is64: is64), .tableGrow(index)] + (is64 ? [.i32WrapI64] : []))
    case .tableIsNull(let table, let slot):
      guard let index = indices[table] else { return }
      mix([address(slot, is64: isTable64(table)), .tableGet(index), .refIsNull])
    case .tableSet(let table, let slot, let function):
      guard let index = indices[table], let null = null(table) else { return }
      let value = function.flatMap { indices[$0] }.map { WasmInstruction.refFunc($0) } ?? null
      code += [address(slot, is64: isTable64(table)), value, .tableSet(index)]
    case .tableInit(let elements, let table, let slot, let count):
      guard let segment = elementIndices[elements], let index = indices[table] else { return }
      code += [
        address(slot, is64: isTable64(table)), .i32Const(0), .i32Const(Int32(count)),
        .tableInit(segment, table: index),
      ]
    case .elemDrop(let elements):
      guard let segment = elementIndices[elements] else { return }
      code.append(.elemDrop(segment))
    case .tableCopy(let to, let from, let slot, let source, let count):
      guard let target = indices[to], let origin = indices[from] else { return }
      code += [
        address(slot, is64: isTable64(to)), address(source, is64: isTable64(from)),
        address(count, is64: isTable64(to) && isTable64(from)), .tableCopy(to: target, from: origin),
      ]
    default: writeReferenceStep(step)
    }
  }

  private mutating func writeReferenceStep(
    _ step: ModuleSet.Step
  ) {
    switch step {
    case .setReference(let global, let function):
      guard let index = indices[global], let value = indices[function] else { return }
      code += [.refFunc(value), .globalSet(index)]
    case .callReference(let global):
      guard let index = indices[global], case .global(.reference(let family), _) = module.entities[global].type else {
        return
      }
      let signature = set.families[family].signature
      let type = familyType(family)
      mix(arguments(signature) + [.globalGet(index), .callRef(type)] + joined(signature.results))
    case .throwSometimes(let tag):
      guard let index = indices[tag], case .tag(let parameters) = module.entities[tag].type else { return }
      code += [.localGet(result), .i32Const(1), .i32And, .if()]
      for parameter in parameters { code += [.localGet(result)] + fromNumber(parameter) }
      code += [.throw(index), .end]
    case .callAndCatch(let function, let tag):
      guard let index = indices[function], let signature = signature(function), let tagIndex = indices[tag],
        case .tag(let parameters) = module.entities[tag].type
      else { return }
      // block $done; block $caught (results of the tag); try_table (catch tag $caught); call; mix; br $done; end;
      // unreachable; end; mix what was caught; end.
      let block = builder.type([], parameters.map { type($0) })
      let catches: [WasmInstruction.Part] = [.bytes([1, 0]), .index(tagIndex), .bytes([0])]
      code += [.block(), .raw(signed(block, 0x02)), .tryTable(nil, catches)]
      mix(arguments(signature) + [.call(index)] + joined(signature.results))
      code += [.br(2), .end, .unreachable, .end]
      for parameter in parameters.reversed() {
        code += toNumber(parameter) + [.localGet(result), .i32Const(17), .i32Mul, .i32Add, .localSet(result)]
      }
      code += [.end]
    default: break
    }
  }

  /// An instruction with a block type that is a type index.
  private func signed(_ type: Int, _ opcode: UInt8) -> [UInt8] {
    var bytes = [opcode]
    bytes.signed(Int64(type))
    return bytes
  }
}
