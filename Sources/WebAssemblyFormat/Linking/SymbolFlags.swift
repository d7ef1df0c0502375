/// Flags of a symbol in the `linking` section and in `dylink.0`
/// (tool-conventions, Linking.md, Symbol Table Subsection).
@frozen
public struct SymbolFlags: OptionSet, Sendable {
  public var rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable public static var bindingWeak: SymbolFlags { SymbolFlags(rawValue: 0x01) }
  @inlinable public static var bindingLocal: SymbolFlags { SymbolFlags(rawValue: 0x02) }
  @inlinable public static var visibilityHidden: SymbolFlags { SymbolFlags(rawValue: 0x04) }
  @inlinable public static var undefined: SymbolFlags { SymbolFlags(rawValue: 0x10) }
  @inlinable public static var exported: SymbolFlags { SymbolFlags(rawValue: 0x20) }
  @inlinable public static var explicitName: SymbolFlags { SymbolFlags(rawValue: 0x40) }
  @inlinable public static var noStrip: SymbolFlags { SymbolFlags(rawValue: 0x80) }
  @inlinable public static var tls: SymbolFlags { SymbolFlags(rawValue: 0x100) }
  @inlinable public static var absolute: SymbolFlags { SymbolFlags(rawValue: 0x200) }
  /// The two binding bits.
  @inlinable public static var bindingMask: SymbolFlags { [.bindingWeak, .bindingLocal] }
}

/// Kinds of symbols, with the numbers of the symbol table (tool-conventions, Linking.md).
@frozen
public enum SymbolKind: UInt8, Sendable {
  case function = 0
  case data = 1
  case global = 2
  case section = 3
  case tag = 4
  case table = 5

  /// The name that the conventions give the kind, as messages print it.
  public var conventionalName: String {
    switch self {
    case .function: "WASM_SYMBOL_TYPE_FUNCTION"
    case .data: "WASM_SYMBOL_TYPE_DATA"
    case .global: "WASM_SYMBOL_TYPE_GLOBAL"
    case .section: "WASM_SYMBOL_TYPE_SECTION"
    case .tag: "WASM_SYMBOL_TYPE_TAG"
    case .table: "WASM_SYMBOL_TYPE_TABLE"
    }
  }
}

/// Flags of a data segment in the segment info subsection (tool-conventions, Linking.md).
@frozen
public struct SegmentFlags: OptionSet, Sendable {
  public var rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Null-terminated strings that may be merged.
  @inlinable public static var strings: SegmentFlags { SegmentFlags(rawValue: 0x1) }
  /// Thread-local data.
  @inlinable public static var tls: SegmentFlags { SegmentFlags(rawValue: 0x2) }
  /// Kept by garbage collection when its file is live.
  @inlinable public static var retain: SegmentFlags { SegmentFlags(rawValue: 0x4) }
}
