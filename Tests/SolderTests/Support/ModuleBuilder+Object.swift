/// What makes a ``ModuleBuilder`` an object: symbols, relocations, segments by name, constructors, groups.
///
///     var object = ModuleBuilder(object: true)
///     let helper = object.undefinedFunction("helper", [.i32], [.i32])
///     let value = object.data("value", [1, 0, 0, 0])
///     let pointers = object.data("pointers", [0, 0, 0, 0, 0, 0, 0, 0], relocations: [
///       DataRelocation(.tableIndexI32, at: 0, helper), DataRelocation(.memoryAddressI32, at: 4, value, addend: 2)])
///     object.function("run", [], [.i32], flags: .exported, [.address(value), .i32Load(), .call(helper)])
///
/// Functions, globals and data that are given here get a symbol; imports come before definitions here too. The memory that
/// every object imports is there from the start.
extension ModuleBuilder {
  // MARK: Symbols

  mutating func addSymbol(_ symbol: Linking.Symbol) -> ObjectSymbol {
    linking?.symbols.append(symbol)
    return ObjectSymbol(index: UInt32((linking?.symbols.count ?? 1) - 1))
  }

  /// A symbol of something with an index: a function, global, table or tag.
  @discardableResult
  mutating func symbol(_ name: String, _ kind: Linking.Kind, index: Int, flags: SymbolOptions = []) -> ObjectSymbol {
    addSymbol(.init(kind: kind, name: name, flags: flags, index: index))
  }

  /// A function that another unit defines; the module of the import is its `import_module`.
  mutating func undefinedFunction(
    _ name: String, _ parameters: [WasmType] = [], _ results: [WasmType] = [], module: String = "env",
    importName: String? = nil, flags: SymbolOptions = []
  ) -> ObjectSymbol {
    let index = importFunction(module, importName ?? name, parameters, results)
    return symbol(
      name, .function, index: index,
      flags: flags.union([.undefined]).union(importName == nil && module == "env" ? [] : .explicitName))
  }

  mutating func undefinedGlobal(
    _ name: String, _ type: WasmType, isMutable: Bool = false, module: String = "env", flags: SymbolOptions = []
  ) -> ObjectSymbol {
    let index = importGlobal(module, name, type, isMutable: isMutable)
    return symbol(name, .global, index: index, flags: flags.union(.undefined))
  }

  /// The function table, as objects name it.
  mutating func undefinedTable(
    _ name: String = "__indirect_function_table", _ type: WasmType = .funcref, flags: SymbolOptions = .noStrip
  ) -> ObjectSymbol {
    let index = importTable("env", name, type, Limits(0, is64: is64))
    return symbol(name, .table, index: index, flags: flags.union(.undefined))
  }

  mutating func undefinedData(_ name: String, flags: SymbolOptions = []) -> ObjectSymbol {
    addSymbol(.init(kind: .data, name: name, flags: flags.union(.undefined), index: 0))
  }

  /// Adds a function and its symbol.
  @discardableResult
  mutating func function(
    _ symbolName: String, _ parameters: [WasmType] = [], _ results: [WasmType] = [], locals: [WasmType] = [],
    flags: SymbolOptions = [], exportName: String? = nil, _ code: [WasmInstruction]
  ) -> ObjectSymbol {
    let index = function(parameters, results, locals: locals, export: exportName, code)
    return symbol(symbolName, .function, index: index, flags: flags)
  }

  /// Adds a global and its symbol.
  @discardableResult
  mutating func global(
    _ symbolName: String, _ type: WasmType, isMutable: Bool = false, flags: SymbolOptions = [],
    _ initial: [WasmInstruction]
  ) -> ObjectSymbol {
    let index = global(type, isMutable: isMutable, initial)
    return symbol(symbolName, .global, index: index, flags: flags)
  }

  /// Adds a data segment `.data.NAME` (or of another name) and a symbol of the whole of it.
  @discardableResult
  mutating func data(
    _ symbolName: String, _ bytes: [UInt8], relocations: [DataRelocation] = [], segment: String? = nil,
    alignment: Int = 2, segmentFlags: Int = 0, flags: SymbolOptions = []
  ) -> ObjectSymbol {
    let index = objectSegment(
      segment ?? ".data." + symbolName, bytes, relocations: relocations, alignment: alignment, flags: segmentFlags)
    return dataSymbol(symbolName, segment: index, size: bytes.count, flags: flags)
  }

  /// Adds a data segment of an object; its address there follows on the segments before it.
  ///
  /// - Parameter flags: 1 strings, 2 thread-local, 4 retain.
  @discardableResult
  mutating func objectSegment(
    _ name: String, _ bytes: [UInt8], relocations: [DataRelocation] = [], alignment: Int = 2, flags: Int = 0,
    is64: Bool? = nil
  ) -> Int {
    let mask = UInt64(1) << alignment - 1
    let offset = (segments.last.map { objectAddress(segments.count - 1) + UInt64($0.bytes.count) } ?? 0) + mask & ~mask
    var segment = Data(
      placement: is64 ?? self.is64 ? .at64(Int64(offset)) : .at(Int32(truncatingIfNeeded: offset)), bytes: bytes,
      relocations: relocations)
    segment.name = name
    segment.alignment = alignment
    segment.flags = flags
    segments.append(segment)
    linking?.addresses.append(offset)
    return segments.count - 1
  }

  @discardableResult
  mutating func dataSymbol(
    _ name: String, segment: Int, offset: Int = 0, size: Int, flags: SymbolOptions = []
  ) -> ObjectSymbol {
    addSymbol(.init(kind: .data, name: name, flags: flags, index: segment, offset: offset, size: size))
  }

  /// Has `function`, of type `() -> ()`, called at start.
  mutating func constructor(_ function: ObjectSymbol, priority: Int = 65535) {
    linking?.constructors.append((priority, function))
  }

  /// Adds a custom section with relocations in it.
  mutating func custom(_ name: String, _ bytes: [UInt8], relocations: [DataRelocation]) {
    customs.append(Custom(name: name, bytes: bytes, relocations: relocations))
  }

  /// Adds the section `target_features`, with `+` for used and `-` for disallowed in front of each name.
  mutating func targetFeatures(_ features: [String]) {
    var bytes: [UInt8] = []
    bytes.list(features) {
      $0.append(contentsOf: $1.utf8.prefix(1))
      $0.name(String($1.dropFirst()))
    }
    custom("target_features", bytes)
  }

  // MARK: Relocations

  struct Entry: Sendable {
    var type: RelocationType
    var offset: Int
    var target: UInt32
    var addend: Int64

    init(type: RelocationType, offset: Int, target: UInt32, addend: Int64) {
      self.type = type
      self.offset = offset
      self.target = target
      self.addend = addend
    }

    init(_ relocation: DataRelocation, at base: Int) {
      self.init(
        type: relocation.type, offset: relocation.offset + base, target: relocation.symbol.index,
        addend: relocation.addend)
    }

    func rebased(_ base: Int) -> Entry { Entry(type: type, offset: offset + base, target: target, addend: addend) }
  }

  static func relocationSection(_ identifier: UInt8, _ content: [UInt8], of section: Int, _ entries: [Entry])
    -> [UInt8]
  {
    var bytes: [UInt8] = []
    let names: [UInt8: String] = [10: "reloc.CODE", 11: "reloc.DATA"]
    bytes.name(
      names[identifier] ?? "reloc." + String(decoding: content.dropFirst().prefix(Int(content[0])), as: UTF8.self))
    bytes.unsigned(section)
    bytes.list(entries) {
      $0.append($1.type.rawValue)
      $0.unsigned($1.offset)
      $0.unsigned(UInt64($1.target))
      if $1.type.hasAddend { $0.signed($1.addend) }
    }
    return bytes
  }

  func objectAddress(_ segment: Int) -> UInt64 { linking?.addresses[segment] ?? 0 }

  /// What the operand has in the object before linking: the value as if the object were the whole program. Slots are 0.
  func existingValue(_ type: RelocationType, _ target: UInt32, _ addend: Int64) -> Int64 {
    guard type != .typeIndexLEB else { return Int64(target) }
    guard let linking, Int(target) < linking.symbols.count else { return 0 }
    let symbol = linking.symbols[Int(target)]
    switch type {
    case .functionIndexLEB, .globalIndexLEB, .tagIndexLEB, .tableNumberLEB, .globalIndexI32, .functionIndexI32:
      return symbol.kind == .data ? 0 : Int64(symbol.index)
    case _ where type.hasAddend && symbol.kind == .data && !symbol.flags.contains(.undefined):
      return Int64(objectAddress(symbol.index)) + Int64(symbol.offset) + addend
    case _ where type.hasAddend: return addend
    default: return 0
    }
  }

  /// Writes the existing value of a relocation of fixed width, or of a padded one.
  func write(_ relocation: DataRelocation, _ bytes: inout [UInt8]) {
    let value = existingValue(relocation.type, relocation.symbol.index, relocation.addend)
    var operand: [UInt8] = []
    switch relocation.type.width {
    case 4, 8: operand.fixed(UInt64(bitPattern: value), width: relocation.type.width)
    case let width where relocation.type.isSigned: operand.signed(value, width: width)
    case let width: operand.unsigned(UInt64(bitPattern: value), width: width)
    }
    for (index, byte) in operand.enumerated() where relocation.offset + index < bytes.count {
      bytes[relocation.offset + index] = byte
    }
  }
}

/// A relocation in data or in a custom section.
struct DataRelocation: Sendable {
  var type: RelocationType
  var offset: Int
  var symbol: ObjectSymbol
  var addend: Int64

  init(_ type: RelocationType, at offset: Int, _ symbol: ObjectSymbol, addend: Int64 = 0) {
    self.type = type
    self.offset = offset
    self.symbol = symbol
    self.addend = addend
  }
}

/// Flags of symbols (tool-conventions, Linking.md, Symbol Table Subsection).
struct SymbolOptions: OptionSet, Sendable {
  let rawValue: Int
  static let weak = SymbolOptions(rawValue: 1)
  static let local = SymbolOptions(rawValue: 2)
  static let hidden = SymbolOptions(rawValue: 4)
  static let undefined = SymbolOptions(rawValue: 0x10)
  static let exported = SymbolOptions(rawValue: 0x20)
  static let explicitName = SymbolOptions(rawValue: 0x40)
  static let noStrip = SymbolOptions(rawValue: 0x80)
  static let tls = SymbolOptions(rawValue: 0x100)
  static let absolute = SymbolOptions(rawValue: 0x200)
}

/// The section `linking` (tool-conventions, Linking.md).
struct Linking: Sendable {
  enum Kind: UInt8, Sendable { case function, data, global, section, tag, table }

  struct Symbol: Sendable {
    var kind: Kind
    var name: String
    var flags: SymbolOptions
    /// Of the function, global, table or tag; of the segment of data; of the custom section, counted from the first.
    var index: Int
    var offset = 0
    var size = 0
  }

  var version = 2
  var symbols: [Symbol] = []
  var constructors: [(priority: Int, symbol: ObjectSymbol)] = []
  /// Groups: name and members, of kind 0 data, 1 function, 5 section.
  var groups: [(name: String, members: [(kind: UInt8, index: Int)])] = []
  /// Addresses of the data segments in the object.
  var addresses: [UInt64] = []

  func section(_ module: ModuleBuilder, firstCustomSection: Int) -> [UInt8] {
    var content: [UInt8] = []
    content.name("linking")
    content.unsigned(version)
    func part<Elements: Collection>(
      _ kind: UInt8, _ elements: Elements, _ write: (inout [UInt8], Elements.Element) -> Void
    ) {
      guard !elements.isEmpty else { return }
      var bytes: [UInt8] = []
      bytes.list(elements, write)
      content.append(kind)
      content.sized(bytes)
    }
    part(8, symbols) { bytes, symbol in
      bytes.append(symbol.kind.rawValue)
      bytes.unsigned(symbol.flags.rawValue)
      let isUndefined = symbol.flags.contains(.undefined)
      switch symbol.kind {
      case .data:
        bytes.name(symbol.name)
        if isUndefined { break }
        for value in [symbol.index, symbol.offset, symbol.size] { bytes.unsigned(value) }
      case .section: bytes.unsigned(firstCustomSection + symbol.index)
      default:
        bytes.unsigned(symbol.index)
        if !isUndefined || symbol.flags.contains(.explicitName) { bytes.name(symbol.name) }
      }
    }
    part(5, module.segments) {
      $0.name($1.name)
      $0.unsigned($1.alignment)
      $0.unsigned($1.flags)
    }
    part(6, constructors) {
      $0.unsigned($1.priority)
      $0.unsigned(UInt64($1.symbol.index))
    }
    part(7, groups) {
      $0.name($1.name)
      $0.unsigned(0)
      $0.list($1.members) {
        $0.append($1.kind)
        $0.unsigned($1.index)
      }
    }
    return content
  }

  /// Names that an archive's index has for the object.
  var definedNames: [String] {
    symbols.filter {
      $0.flags.isDisjoint(with: [.undefined, .local]) && $0.kind != .section
    }.map(\.name)
  }
}
