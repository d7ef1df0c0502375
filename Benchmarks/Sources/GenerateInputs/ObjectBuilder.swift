enum ValueType: UInt8 {
  case i32 = 0x7f
  case i64 = 0x7e
  case f32 = 0x7d
  case f64 = 0x7c
}

/// A function type, named by its position in `signatures`.
struct Signature {
  var parameters: [ValueType]
  var results: [ValueType]
  /// The parameters in the Itanium C++ mangling.
  var mangled: String
}

/// How code names addresses and indices.
enum Style {
  /// An object for a static link: relocations hold absolute addresses.
  case absolute
  /// An object for a shared library: relocations are relative to `__memory_base` and `__table_base`, or go by the GOT.
  case positionIndependent
  /// A whole module: final addresses and indices, in the shortest encoding.
  case module
}

/// Relocation types of WebAssembly/tool-conventions, Linking.md, "Relocation Sections", and DynamicLinking.md.
enum RelocationType: UInt8 {
  case functionIndexLEB = 0
  case tableIndexSLEB = 1
  case tableIndexI32 = 2
  case memoryAddressLEB = 3
  case memoryAddressSLEB = 4
  case memoryAddressI32 = 5
  case typeIndexLEB = 6
  case globalIndexLEB = 7
  case functionOffsetI32 = 8
  case sectionOffsetI32 = 9
  case memoryAddressRelativeSLEB = 11
  case tableIndexRelativeSLEB = 12
  case globalIndexI32 = 13
  case tableNumberLEB = 20

  var hasAddend: Bool {
    switch self {
    case .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressI32, .memoryAddressRelativeSLEB, .functionOffsetI32,
      .sectionOffsetI32:
      true
    default: false
    }
  }
}

struct Relocation {
  var type: RelocationType
  var offset: Int
  /// A symbol, or for `typeIndexLEB` a type.
  var index: Int
  var addend = 0
}

/// Flags of symbols and segments: Linking.md, "Symbol Table Subsection" and "Segment Info Subsection".
struct SymbolFlags: OptionSet {
  var rawValue: Int
  static let weak = SymbolFlags(rawValue: 1)
  static let local = SymbolFlags(rawValue: 2)
  static let hidden = SymbolFlags(rawValue: 4)
  static let undefined = SymbolFlags(rawValue: 0x10)
  static let explicitName = SymbolFlags(rawValue: 0x40)
  static let noStrip = SymbolFlags(rawValue: 0x80)
}

struct Symbol {
  enum Kind {
    case function(signature: Int, definition: Int?)
    case data(segment: Int?, offset: Int, size: Int)
    case global(mutable: Bool)
    case section(Int)
    case table
  }

  var kind: Kind
  var name: String
  var flags: SymbolFlags
  /// The module a function is imported from, when it is not `env`.
  var importModule: String?

  var isDefined: Bool {
    switch kind {
    case .function(_, let definition): definition != nil
    case .data(let segment, _, _): segment != nil
    case .section: true
    case .global, .table: false
    }
  }
}

struct Segment {
  var name: String
  var alignment: Int
  var isStrings = false
  var address = 0
  var contents = ByteWriter()
  var relocations: [Relocation] = []
}

struct DebugSection {
  var name: String
  var contents = ByteWriter()
  var relocations: [Relocation] = []
}

struct Comdat {
  var name: String
  var functions: [Int] = []
  var segments: [Int] = []
}

/// Where a statement of a function begins, for the line table.
struct LineMark {
  var offset: Int
  var line: Int
}

struct DefinedFunction {
  var symbol: Int
  var signature: Int
  /// Where the body (its local declarations) starts in `ObjectBuilder.code`, and its size.
  var start = 0
  var size = 0
  var lines: [LineMark] = []
  /// Calls, as offsets into the body just after the instruction.
  var calls: [Int] = []
}

/// One file under construction: symbols, functions, segments, relocations. `object()` or `module()` ends it.
final class ObjectBuilder {
  let style: Style
  var symbols: [Symbol] = []
  var functions: [DefinedFunction] = []
  var code = ByteWriter()
  var codeRelocations: [Relocation] = []
  var segments: [Segment] = []
  var comdats: [Comdat] = []
  var constructors: [Int] = []
  /// Functions whose address is taken, in the order of their table slots, which start at 1.
  var tableElements: [Int] = []
  /// Symbols whose address code reads from an imported global.
  var gotSymbols: [Int] = []
  var debugSections: [DebugSection] = []
  /// The signatures in use, in the order of the type section.
  var types: [Int] = []
  private(set) var dataEnd: Int

  /// The body of the function being written.
  var body = ByteWriter()
  var bodyRelocations: [Relocation] = []
  var bodyLines: [LineMark] = []
  var bodyCalls: [Int] = []

  private var symbolOfKey: [UInt64: Int] = [:]
  private var tableSlot: [Int: Int] = [:]
  private var hasGOTEntry: Set<Int> = []
  private var typeOfSignature: [Int: Int] = [:]
  private var wellKnown: [String: Int] = [:]
  private var declaredFunctions = 0

  init(style: Style) {
    self.style = style
    dataEnd = style == .module ? 1024 : 0
  }

  // MARK: Symbols

  /// The symbol of `key`; made by `make` the first time.
  func symbol(_ key: UInt64, make: () -> Symbol) -> Int {
    if let known = symbolOfKey[key] { return known }
    symbols.append(make())
    symbolOfKey[key] = symbols.count - 1
    return symbols.count - 1
  }

  private func wellKnownSymbol(_ name: String, _ kind: Symbol.Kind, _ flags: SymbolFlags = []) -> Int {
    if let known = wellKnown[name] { return known }
    symbols.append(Symbol(kind: kind, name: name, flags: flags.union(.undefined)))
    wellKnown[name] = symbols.count - 1
    return symbols.count - 1
  }

  var stackPointer: Int { wellKnownSymbol("__stack_pointer", .global(mutable: true)) }
  var memoryBase: Int { wellKnownSymbol("__memory_base", .global(mutable: false)) }
  var tableBase: Int { wellKnownSymbol("__table_base", .global(mutable: false)) }
  var functionTable: Int { wellKnownSymbol("__indirect_function_table", .table, .noStrip) }

  func type(ofSignature signature: Int) -> Int {
    if let known = typeOfSignature[signature] { return known }
    types.append(signature)
    typeOfSignature[signature] = types.count - 1
    return types.count - 1
  }

  func tableSlot(of symbol: Int) -> Int {
    if let known = tableSlot[symbol] { return known }
    tableElements.append(symbol)
    tableSlot[symbol] = tableElements.count
    return tableElements.count
  }

  func useGOT(_ symbol: Int) {
    if hasGOTEntry.insert(symbol).inserted { gotSymbols.append(symbol) }
  }

  /// In a module, indices are final at once: imports come first, then functions in the order of their declaration.
  func declareInModule(_ symbol: Int) {
    guard moduleIndex[symbol] == nil, case .function(let signature, _) = symbols[symbol].kind else { return }
    if symbols[symbol].flags.contains(.undefined) {
      precondition(declaredFunctions == 0, "a module's imports come before its functions")
      moduleImports.append(symbol)
    } else {
      symbols[symbol].kind = .function(signature: signature, definition: declaredFunctions)
      declaredFunctions += 1
    }
    moduleIndex[symbol] = moduleImports.count + declaredFunctions - 1
  }

  private(set) var moduleIndex: [Int: Int] = [:]
  private(set) var moduleImports: [Int] = []

  // MARK: Data

  /// Adds a segment and defines `symbol` as all of it.
  func addSegment(_ segment: Segment, defining symbol: Int) {
    var segment = segment
    let alignment = 1 << segment.alignment
    segment.address = (dataEnd + alignment - 1) / alignment * alignment
    dataEnd = segment.address + segment.contents.count
    for relocation in segment.relocations where relocation.type == .tableIndexI32 {
      _ = tableSlot(of: relocation.index)
    }
    symbols[symbol].kind = .data(segment: segments.count, offset: 0, size: segment.contents.count)
    symbols[symbol].flags.remove(.undefined)
    segments.append(segment)
  }

  func address(of symbol: Int) -> Int {
    guard case .data(let segment?, let offset, _) = symbols[symbol].kind else { return 0 }
    return segments[segment].address + offset
  }

  // MARK: Functions

  /// Ends the function in `body` as the definition of `symbol`, with its local declarations in front.
  func endFunction(_ symbol: Int, locals: ByteWriter) {
    guard case .function(let signature, _) = symbols[symbol].kind else { return }
    symbols[symbol].kind = .function(signature: signature, definition: functions.count)
    symbols[symbol].flags.remove(.undefined)
    _ = type(ofSignature: signature)
    let size = locals.count + body.count
    code.unsigned(size)
    var function = DefinedFunction(symbol: symbol, signature: signature, start: code.count, size: size)
    function.lines = bodyLines.map { LineMark(offset: $0.offset + locals.count, line: $0.line) }
    function.calls = bodyCalls.map { $0 + locals.count }
    functions.append(function)
    code.append(locals)
    for var relocation in bodyRelocations {
      relocation.offset += code.count
      codeRelocations.append(relocation)
    }
    code.append(body)
    body.removeAll()
    bodyRelocations.removeAll(keepingCapacity: true)
    bodyLines.removeAll(keepingCapacity: true)
    bodyCalls.removeAll(keepingCapacity: true)
  }
}
