import WebAssemblyFormat

/// What can be imported and exported: its kind, and its index in the index space of that kind.
enum ExternalIndex<Functions, Tables, Memories, Globals, Tags>: Hashable, Sendable {
  case function(Index<Functions>)
  case table(Index<Tables>)
  case memory(Index<Memories>)
  case global(Index<Globals>)
  case tag(Index<Tags>)

  init(_ kind: ExternalKind, _ index: UInt32) {
    switch kind {
    case .function: self = .function(Index(rawValue: index))
    case .table: self = .table(Index(rawValue: index))
    case .memory: self = .memory(Index(rawValue: index))
    case .global: self = .global(Index(rawValue: index))
    case .tag: self = .tag(Index(rawValue: index))
    }
  }

  var kind: ExternalKind {
    switch self {
    case .function: .function
    case .table: .table
    case .memory: .memory
    case .global: .global
    case .tag: .tag
    }
  }

  /// The number that a file has for it.
  var rawValue: UInt32 {
    switch self {
    case .function(let index): index.rawValue
    case .table(let index): index.rawValue
    case .memory(let index): index.rawValue
    case .global(let index): index.rawValue
    case .tag(let index): index.rawValue
    }
  }

  var function: Index<Functions>? { if case .function(let index) = self { index } else { nil } }
  var table: Index<Tables>? { if case .table(let index) = self { index } else { nil } }
  var global: Index<Globals>? { if case .global(let index) = self { index } else { nil } }
  var tag: Index<Tags>? { if case .tag(let index) = self { index } else { nil } }
}
