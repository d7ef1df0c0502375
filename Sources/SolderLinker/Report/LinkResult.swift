import WebAssemblyFormat

/// What a link made.
///
/// What is asked of it is looked up then, in what the link decided; so it keeps the inputs in memory as long as it is there.
public struct LinkResult: Sendable {
  /// What can be imported and exported.
  public enum Kind: String, Sendable, Equatable {
    case function, table, memory, global, tag
  }

  /// What the host has to give.
  public struct Import: Sendable, Equatable {
    public let module: String
    public let name: String
    public let kind: Kind
  }

  /// What the host gets.
  public struct Export: Sendable, Equatable {
    public let name: String
    public let kind: Kind
    /// Its index in the module, among all of its kind.
    public let index: Int
  }

  /// A section of the module: its name in the specification, or that of a custom section.
  public struct Section: Sendable, Equatable {
    public let name: String
    public let isCustom: Bool
    /// Where it begins, with the byte that tells what it is, and how many bytes it has from there.
    public let offset: Int
    public let size: Int
  }

  /// Something that has a name and a place in the module.
  public struct Symbol: Sendable, Equatable {
    /// Where it is.
    public enum Place: Sendable, Equatable {
      /// Data, at an address.
      case address(UInt64)
      /// Data of which each thread has its own, counted from `__tls_base`.
      case threadLocal(UInt64)
      /// A function, its index in the module, and its slot in the function table, if it has one.
      case function(index: Int, slot: Int?)
      /// Something else, and its index in the module among all of its kind.
      case other(Kind, index: Int)
    }

    /// The name as files have it.
    public let name: String
    public let place: Place
    /// Bytes of data, or of a function with the number that tells its size; 0 for everything else.
    public let size: UInt64
    /// The file that defines it; `nil` for what the linker made.
    public let file: String?
  }

  /// How long a pass took.
  public struct PassTime: Sendable, Equatable {
    public let pass: LinkPass
    /// From the beginning of the link.
    public let start: Duration
    public let duration: Duration
    /// Processor time of all threads of the process.
    public let processorTime: Duration
    /// How many things it worked on: files, symbols, relocations, as fits.
    public let items: Int
    /// How many bytes it read or wrote.
    public let bytes: Int
  }

  /// Where the answers come from.
  enum Source: Sendable {
    case linked(Program, ImageLayout, CodePlan)
    /// A module that was alone is the result as it is.
    case copied(InputModule)
  }

  /// The module, of a link in memory; `nil` if it was written to a file.
  public internal(set) var bytes: [UInt8]?
  /// The path of the file that was written; `nil` for a link in memory.
  public internal(set) var path: String?
  /// Bytes of the module.
  public let size: Int
  /// The passes that ran, in order.
  public internal(set) var times: [PassTime] = []
  private let source: Source

  init(size: Int, _ source: Source) {
    self.size = size
    self.source = source
  }

  /// What the module imports, in order.
  public var imports: [Import] {
    switch source {
    case .linked(let program, _, _): LinkResult.imports(of: program)
    case .copied(let module): LinkResult.imports(of: module)
    }
  }

  /// What the module exports, in order.
  public var exports: [Export] {
    switch source {
    case .linked(let program, _, _):
      program.indices.exports.map {
        Export(name: $0.name.description, kind: Kind($0.index.kind), index: Int($0.index.rawValue))
      }
    case .copied(let module):
      module.exports.map {
        Export(name: $0.name.description, kind: Kind($0.item.kind), index: Int($0.item.rawValue))
      }
    }
  }

  /// The sections of the module, in order.
  public var sections: [Section] {
    switch source {
    case .linked(_, let layout, _):
      return layout.sections.map { Section($0.id, $0.name, offset: $0.offset, size: $0.size) }
    case .copied(let module):
      // It was read, so nothing is damaged.
      guard var reader = try? SectionReader(module.file.bytes) else { return [] }
      var sections: [Section] = []
      var offset = 8
      while let section = try? reader.next() {
        sections.append(Section(section.id, section.name, offset: offset, size: section.payload.end - offset))
        offset = section.payload.end
      }
      return sections
    }
  }

  /// Names and where they are: everything that the link placed. A module that was alone keeps its places, of which the
  /// linker knows nothing.
  public var symbols: [Symbol] {
    switch source {
    case .linked(let program, _, let code): LinkResult.symbols(of: program, code)
    case .copied: []
    }
  }

  /// The link map, as `-Map` writes it; `nil` for a module that was alone.
  public var map: String? {
    switch source {
    case .linked(let program, let layout, let code): LinkMap(program, layout, code).text()
    case .copied: nil
    }
  }
}

extension LinkResult {
  private static func imports(of program: Program) -> [Import] {
    var imports: [Import] = []
    for memory in program.resolution.memories.memories {
      guard let name = memory.hostName else { continue }
      imports.append(Import(module: name.module.description, name: name.name.description, kind: .memory))
    }
    for entry in program.indices.imports {
      imports.append(
        Import(module: entry.module.description, name: entry.name.description, kind: Kind(entry.kind)))
    }
    for id in program.indices.importedAddresses {
      let symbol = program.symbol(id)
      let module = symbol.kind == .data ? "GOT.mem" : "GOT.func"
      imports.append(Import(module: module, name: symbol.name.description, kind: .global))
    }
    return imports
  }

  private static func imports(of module: InputModule) -> [Import] {
    let others = module.tableImports + module.memoryImports + module.globalImports + module.tagImports
    return module.functionImports.map {
      Import(module: $0.module.description, name: $0.name.description, kind: .function)
    }
      + others.map {
        Import(module: $0.module.description, name: $0.name.description, kind: Kind($0.kind))
      }
  }

  private static func symbols(of program: Program, _ code: CodePlan) -> [Symbol] {
    let firstFunction = Int(program.indices.importCounts.functions)
    var symbols: [Symbol] = []
    for unit in program.resolution.units {
      for id in unit.symbolIDs.values {
        let symbol = program.symbol(id)
        guard symbol.unit == unit.index, symbol.isDefined, !symbol.name.isEmpty else { continue }
        var size = symbol.size
        let place: Symbol.Place
        switch program.values[Int(id)].answer {
        case .address(let address): place = .address(address)
        case .threadLocalOffset(let offset): place = .threadLocal(offset)
        case .function(let function):
          guard let index = function.index.map({ Int($0) }) else { continue }
          size = index < firstFunction ? 0 : UInt64(code.sizes[index - firstFunction])
          place = .function(index: index, slot: function.slot.map { Int($0) })
        case .global(let index): place = .other(.global, index: Int(index))
        case .tag(let index): place = .other(.tag, index: Int(index))
        case .table(let index): place = .other(.table, index: Int(index))
        case .absent, .undefined, .section: continue
        }
        let file = unit.index == .own ? nil : unit.file.displayName
        symbols.append(Symbol(name: symbol.name.description, place: place, size: size, file: file))
      }
    }
    return symbols
  }
}

extension LinkResult.Section {
  init(_ id: SectionID, _ name: ByteString, offset: Int, size: Int) {
    self.init(
      name: id == .custom ? name.description : id.conventionalName, isCustom: id == .custom, offset: offset, size: size)
  }
}

extension LinkResult.Kind {
  init(_ kind: ExternalKind) {
    switch kind {
    case .function: self = .function
    case .table: self = .table
    case .memory: self = .memory
    case .global: self = .global
    case .tag: self = .tag
    }
  }
}
