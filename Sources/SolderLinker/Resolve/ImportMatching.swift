import WebAssemblyFormat

// Whether what one unit exports can be what another imports.
//
// An engine that instantiates modules one by one asks this of every import (WebAssembly 3.0, Validation, Matching):
//
// | kind | the export must |
// |---|---|
// | function | have the import's type, or one that declares it as its supertype |
// | tag | have the import's type |
// | global | be shared if the import is, and not otherwise |
// | immutable global | have a value type that is a subtype of the import's |
// | mutable global | have the import's value type |
// | table | have the import's element type, address width, and limits within the import's |
// | memory | have the import's address width, page size, sharing, and limits within the import's |
//
// Limits are within others when the minimum is at least as large and the maximum, if the others have one, is there and
// at most as large. What is linked is checked in the same way, whoever comes first: code is valid only for what its
// module said of its imports, and nobody looks again at run time.

/// The type of what a unit imports or exports, with IDs of the link for type indices.
enum ExternalType: Equatable {
  case function(TypeID)
  case tag(TypeID)
  case global(ValueType, isMutable: Bool, isShared: Bool = false)
  case table(ValueType, Limits)
  case memory(Limits)
}

extension TypeTable {
  /// Whether a definition of type `defined` satisfies an import of type `wanted`.
  func matches(_ defined: ExternalType, _ wanted: ExternalType) -> Bool {
    switch (defined, wanted) {
    case (.function(let defined), .function(let wanted)): isSubtype(defined, wanted)
    case (.tag(let defined), .tag(let wanted)): defined == wanted
    case (.global(let defined, let isMutable, let isShared), .global(let wanted, let wantsMutable, let wantsShared)):
      isMutable == wantsMutable && isShared == wantsShared
        && (isMutable ? defined == wanted : isSubtype(defined, wanted))
    case (.table(let defined, let limits), .table(let wanted, let bounds)):
      defined == wanted && limits.satisfies(bounds)
    case (.memory(let limits), .memory(let bounds)): limits.satisfies(bounds)
    default: false
    }
  }

  /// Whether every value of type `type` is one of type `other`.
  func isSubtype(_ type: ValueType, _ other: ValueType) -> Bool {
    if type == other { return true }
    guard let heapType = type.heapType, let otherHeapType = other.heapType, other.isNullable || !type.isNullable else {
      return false
    }
    return isSubtype(heapType, otherHeapType)
  }

  private func isSubtype(_ type: HeapType, _ other: HeapType) -> Bool {
    switch (type, other) {
    case (.concrete(let type), .concrete(let other)), (.exact(let type), .concrete(let other)):
      isSubtype(TypeID(rawValue: type), TypeID(rawValue: other))
    case (.exact(let type), .exact(let other)): type == other
    case (.concrete, .exact): false
    case (.concrete(let type), .abstract(let other)), (.exact(let type), .abstract(let other)):
      isBelow(type, other, isShared: false)
    case (.concrete(let type), .sharedAbstract(let other)), (.exact(let type), .sharedAbstract(let other)):
      isBelow(type, other, isShared: true)
    case (.abstract(let type), .concrete(let other)), (.abstract(let type), .exact(let other)):
      isBottom(type, of: other, isShared: false)
    case (.sharedAbstract(let type), .concrete(let other)), (.sharedAbstract(let type), .exact(let other)):
      isBottom(type, of: other, isShared: true)
    case (.abstract(let type), .abstract(let other)), (.sharedAbstract(let type), .sharedAbstract(let other)):
      TypeTable.isAbstractSubtype(type, other)
    case (.abstract, .sharedAbstract), (.sharedAbstract, .abstract): false
    }
  }

  private func isBelow(_ type: UInt32, _ other: UInt8, isShared: Bool) -> Bool {
    let type = TypeID(rawValue: type)
    return self[type].isShared == isShared && TypeTable.isAbstractSubtype(kind(of: type).heapType, other)
  }

  private func isBottom(_ type: UInt8, of other: UInt32, isShared: Bool) -> Bool {
    let other = TypeID(rawValue: other)
    return self[other].isShared == isShared && type == kind(of: other).bottomHeapType
  }

  /// The same of fixed heap types, by the bytes that encode them.
  private static func isAbstractSubtype(_ type: UInt8, _ other: UInt8) -> Bool {
    if type == other { return true }
    switch other {
    case 0x6E: return [0x6D, 0x6C, 0x6B, 0x6A, 0x71].contains(type)  // any: eq, i31, struct, array, none
    case 0x6D: return [0x6C, 0x6B, 0x6A, 0x71].contains(type)  // eq: i31, struct, array, none
    case 0x6C, 0x6B, 0x6A: return type == 0x71  // i31, struct, array: none
    case 0x70: return type == 0x73  // func: nofunc
    case 0x6F: return type == 0x72  // extern: noextern
    case 0x69: return type == 0x74  // exn: noexn
    case 0x68: return type == 0x75  // cont: nocont
    default: return false
    }
  }
}

extension TypeKind {
  /// The fixed heap type of all types of the kind.
  fileprivate var heapType: UInt8 {
    switch self {
    case .function: 0x70
    case .structure: 0x6B
    case .array: 0x6A
    case .continuation: 0x68
    }
  }

  /// The fixed heap type below all types of the kind.
  fileprivate var bottomHeapType: UInt8 {
    switch self {
    case .function: 0x73
    case .structure, .array: 0x71
    case .continuation: 0x75
    }
  }
}

extension Limits {
  /// Whether both are of memories or tables with the same addresses, pages and sharing.
  func hasSameForm(as other: Limits) -> Bool {
    is64 == other.is64 && isShared == other.isShared && pageSize == other.pageSize
  }

  /// Whether a memory or table with these limits can be one that is imported with those.
  func satisfies(_ wanted: Limits) -> Bool {
    guard hasSameForm(as: wanted), minimum >= wanted.minimum else { return false }
    guard let limit = wanted.maximum else { return true }
    return maximum.map { $0 <= limit } ?? false
  }
}

// MARK: - Text

extension TypeTable {
  /// The type as a message shows it: functions and tags as wasm-ld prints them, everything else as in the text format.
  func text(of type: ExternalType) -> String {
    switch type {
    case .function(let type), .tag(let type): text(of: type)
    case .global(let type, let isMutable, let isShared):
      isMutable || isShared
        ? "(\(isShared ? "shared " : "")\(isMutable ? "mut " : "")\(text(of: type)))" : text(of: type)
    case .table(let type, let limits): "\(limits) \(text(of: type))"
    case .memory(let limits): "\(limits)"
    }
  }
}

extension Limits: CustomStringConvertible {
  /// The limits in the text format.
  var description: String {
    var words = is64 ? ["i64", String(minimum)] : [String(minimum)]
    if let maximum { words.append(String(maximum)) }
    if isShared { words.append("shared") }
    if let pageSizeLog2 { words.append("(pagesize \(1 << pageSizeLog2))") }
    return words.joined(separator: " ")
  }
}
