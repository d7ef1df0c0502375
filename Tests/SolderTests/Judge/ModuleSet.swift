/// A set of plain modules that import from each other and from a host: what the judge of plain modules makes at random.
///
/// Whatever refers to something refers to its place in `entities`, which never changes; indices come into being when a
/// module is written. So the minimiser can leave out anything, and what referred to it is left out too.
struct ModuleSet: Sendable {
  /// In an order in which an engine can instantiate them.
  var modules: [Module] = []
  /// Function types with declared supertypes; every module that uses one declares it and all above it.
  var families: [Family] = []
  var hosts: [Host] = []
  /// The order of the command line.
  var order: [Int] = []
  var options: [String] = []
  var calls: [Call] = []

  struct Family: Sendable {
    var parent: Int?
    var isFinal: Bool
    var signature: Signature
  }

  struct Signature: Sendable, Hashable {
    var parameters: [Value]
    var results: [Value]
    /// The declared type, when it is not the plain one.
    var family: Int?
  }

  enum Value: Sendable, Hashable {
    case i32, i64, f32, f64, funcref, externref
    case reference(Int)
  }

  enum EntityType: Sendable {
    case function(Signature)
    case table(Value, Limits)
    case memory(Limits)
    case global(Value, isMutable: Bool)
    case tag([Value])

    var kind: ModuleBuilder.Kind {
      switch self {
      case .function: .function
      case .table: .table
      case .memory: .memory
      case .global: .global
      case .tag: .tag
      }
    }
  }

  /// Something that the host offers under this name.
  struct Host: Sendable {
    var name: String
    var type: EntityType
  }

  struct Entity: Sendable {
    var type: EntityType
    /// Module and name, when it is imported.
    var source: (module: String, name: String)?
    var initial: Initial = .zero
    var body: [Step] = []
    var exports: [String] = []
    var isRemoved = false
    /// What is imported stands for this one; else itself. -1 as a module is the host.
    var root: (module: Int, entity: Int) = (-1, -1)
    /// What an immutable global of 32 bits holds, where that is known.
    var value: Int32?
    /// Whether calling it may trap or throw.
    var isRisky = false
    /// How many instructions a call may take, roughly.
    var cost = 1
    /// Whether calling it may call through a table or reference: such functions are in no table, so that nothing recurs.
    var isIndirect = false
  }

  /// A constant expression.
  enum Initial: Sendable {
    case zero
    case number(Int32)
    case global(Int)
    case sum(Int, Int32)
    case difference(Int, Int32)
    case product(Int, Int32)
    case function(Int)
  }

  struct Elements: Sendable {
    enum Place: Sendable {
      case active(table: Int, Initial)
      case passive, declarative
    }
    var place: Place
    /// Functions, or `nil` for null.
    var functions: [Int?]
    /// Whether it is written as expressions.
    var isExpressions = false
    var isRemoved = false
  }

  struct Bytes: Sendable {
    /// Memory and offset, or passive.
    var place: (memory: Int, offset: Initial)?
    var bytes: [UInt8]
    var isRemoved = false
  }

  struct Module: Sendable {
    var name: String
    /// Whether the command line gives it that name; if not, others import from `env`.
    var isNamed: Bool
    var entities: [Entity] = []
    var start: Int?
    var elements: [Elements] = []
    var data: [Bytes] = []
    var hasNames = false
    var padsOperands = false
    var isRemoved = false

    var importName: String { isNamed ? name : "env" }
    var fileName: String { name + ".wasm" }
  }

  /// One step of a function. All of them mix what they find into a local, which is the function's result in the end.
  enum Step: Sendable {
    case addNumber(Int32)
    case readGlobal(Int)
    case writeGlobal(Int)
    case call(Int)
    case callIndirect(table: Int, slot: Int, Signature)
    case load(memory: Int, address: Int)
    case store(memory: Int, address: Int)
    case memorySize(Int)
    case memoryGrow(Int)
    case memoryInit(data: Int, memory: Int, address: Int, count: Int)
    case dataDrop(Int)
    case memoryCopy(to: Int, from: Int, address: Int, source: Int, count: Int)
    case memoryFill(Int, address: Int, count: Int)
    case tableSize(Int)
    case tableGrow(Int)
    case tableIsNull(Int, slot: Int)
    case tableSet(Int, slot: Int, function: Int?)
    case tableInit(elements: Int, table: Int, slot: Int, count: Int)
    case elemDrop(Int)
    case tableCopy(to: Int, from: Int, slot: Int, source: Int, count: Int)
    case setReference(global: Int, function: Int)
    case callReference(global: Int)
    /// Throws when the lowest bit of the result is set.
    case throwSometimes(Int)
    case callAndCatch(function: Int, tag: Int)
  }
}

extension ModuleSet.Value {
  var isReference: Bool {
    switch self {
    case .i32, .i64, .f32, .f64: false
    default: true
    }
  }
}
