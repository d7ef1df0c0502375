import WebAssemblyFormat

/// All types of a link, each once.
///
/// Types are equal by structure, and what counts as the structure is the whole recursion group (WebAssembly 3.0,
/// Types, Recursive Types): a group is entered under its bytes in the shortest encoding, where a reference to a
/// member of the group is the member's number doubled, and one to a type outside is its ID doubled plus one. As
/// references only go backwards or stay in the group, the IDs of everything outside exist before a group is entered.
///
/// Nearly all types are plain functions, which refer to nothing: their bytes in the file, hashed when the file was
/// read, are already that key.
struct TypeTable: Sendable {
  /// A group: its key, and the IDs of its members, which follow each other.
  private struct Group: Sendable {
    let key: ByteString
    let first: UInt32
    let count: UInt32
  }

  /// A type: its definition in the shortest encoding, with IDs for type indices.
  struct Definition: Sendable {
    let bytes: ByteString
    /// Index of its group.
    let group: UInt32
    let supertype: TypeID?
    /// Where in ``bytes`` the byte stands that encodes ``kind``.
    let compositeOffset: Int
    let kind: TypeKind
    /// Whether threads may share its values.
    let isShared: Bool
    /// Whether ``bytes`` contain no ID.
    let isPlain: Bool
  }

  private var groups: [Group] = []
  private var definitions: [Definition] = []
  /// Open addressing: for every slot the index of a group plus one, or 0. At most half of them are taken.
  private var slots: [UInt32] = Array(repeating: 0, count: 256)
  private var arena = TypeArena()

  /// IDs stay below this, so that a doubled one is still a type index.
  private static let limit = 1 << 30

  init() {}

  /// Number of types, and so one more than the largest ID.
  var count: Int { definitions.count }

  /// Enters the types of a file.
  ///
  /// - Returns: The ID of every type, by its index in the file.
  /// - Throws: ``FormatError`` when the link has 2³⁰ types.
  mutating func intern(_ types: ParsedTypes) throws(FormatError) -> [TypeID] {
    var result: [TypeID] = []
    result.reserveCapacity(types.count)
    for group in types.groups where group.count > 0 {
      let entry = types.entries[Int(group.first)]
      guard definitions.count + Int(group.count) < TypeTable.limit else {
        throw FormatError("too many types", at: entry.offset)
      }
      if entry.isPlain {
        result.append(plain(entry.bytes))
      } else {
        let first = try recursive(group, of: types, outside: result)
        for member in 0..<group.count { result.append(TypeID(rawValue: first.rawValue + member)) }
      }
    }
    return result
  }

  /// Enters a function type that no file holds. The type indices in its parameters and results are IDs.
  mutating func intern(parameters: [ValueType], results: [ValueType]) -> TypeID {
    var key = ByteWriter()
    var definition = ByteWriter()
    key.byte(TypeKind.function.rawValue)
    definition.byte(TypeKind.function.rawValue)
    for list in [parameters, results] {
      key.count(list.count)
      definition.count(list.count)
      for type in list {
        key.valueType(type.typeIndex.map { type.withTypeIndex($0 << 1 | 1) } ?? type)
        definition.valueType(type)
      }
    }
    if let known = find(key) { return known }
    let first = enter(arena.copy(key), count: 1)
    define(
      arena.copy(definition), supertype: nil, compositeOffset: 0, kind: .function,
      isPlain: (parameters + results).allSatisfy { $0.typeIndex == nil })
    return first
  }

  /// The ID of a plain function type.
  private mutating func plain(_ bytes: ByteString) -> TypeID {
    if let known = find(bytes) { return known }
    let copy = arena.copy(bytes.bytes)
    let first = enter(copy, count: 1)
    define(copy, supertype: nil, compositeOffset: 0, kind: .function, isPlain: true)
    return first
  }

  /// The ID of the first member of a group of any kind; `outside` are the IDs of all types before it in the file.
  private mutating func recursive(
    _ group: ParsedTypes.Group, of types: ParsedTypes, outside: [TypeID]
  ) throws(FormatError) -> TypeID {
    var key = ByteWriter()
    if group.count > 1 {
      key.byte(0x4E)
      key.u32(group.count)
    }
    for index in group.indices {
      _ = try TypeTable.rewrite(types.entries[Int(index)], to: &key) { type in
        type < group.first ? outside[Int(type)].rawValue << 1 | 1 : (type - group.first) << 1
      }
    }
    if let known = find(key) { return known }
    let first = enter(arena.copy(key), count: group.count)
    for index in group.indices {
      var bytes = ByteWriter()
      var isPlain = true
      let mapped = { (type: UInt32) -> UInt32 in
        isPlain = false
        return type < group.first ? outside[Int(type)].rawValue : first.rawValue + (type - group.first)
      }
      let definition = try TypeTable.rewrite(types.entries[Int(index)], to: &bytes, map: mapped)
      define(
        arena.copy(bytes), supertype: definition.supertype.map { TypeID(rawValue: mapped($0)) },
        compositeOffset: definition.rewrittenOffset, kind: definition.kind, isShared: definition.isShared,
        isPlain: isPlain)
    }
    return first
  }

  private static func rewrite(
    _ entry: ParsedTypes.Entry, to writer: inout ByteWriter, map: (UInt32) -> UInt32
  ) throws(FormatError) -> TypeDefinition {
    var reader = entry.bytes.bytes
    return try TypeDefinition(&reader, rewritingTo: &writer) {
      (index, _) throws(FormatError) -> UInt32 in map(index)
    }
  }

  private mutating func define(
    _ bytes: ByteString, supertype: TypeID?, compositeOffset: Int, kind: TypeKind, isShared: Bool = false, isPlain: Bool
  ) {
    definitions.append(
      Definition(
        bytes: bytes, group: UInt32(groups.count - 1), supertype: supertype, compositeOffset: compositeOffset,
        kind: kind, isShared: isShared, isPlain: isPlain))
  }
}

// The hash table.
extension TypeTable {
  private func find(_ key: ByteWriter) -> TypeID? {
    key.withReader { find(ByteString($0)) }
  }

  /// The first member of the group with this key.
  private func find(_ key: ByteString) -> TypeID? {
    let mask = slots.count - 1
    var slot = Int(key.hash) & mask
    while slots[slot] != 0 {
      let group = groups[Int(slots[slot] - 1)]
      if group.key == key { return TypeID(rawValue: group.first) }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Adds a group that is not there yet; its members are to be defined next.
  private mutating func enter(_ key: ByteString, count: UInt32) -> TypeID {
    let first = UInt32(definitions.count)
    groups.append(Group(key: key, first: first, count: count))
    if groups.count * 2 > slots.count {
      slots = Array(repeating: 0, count: slots.count * 2)
      for index in groups.indices { place(index) }
    } else {
      place(groups.count - 1)
    }
    return TypeID(rawValue: first)
  }

  private mutating func place(_ group: Int) {
    let mask = slots.count - 1
    var slot = Int(groups[group].key.hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(group + 1)
  }
}

// Questions about a type. Every ID must come from this table.
extension TypeTable {
  subscript(_ type: TypeID) -> Definition { definitions[Int(type.rawValue)] }

  func kind(of type: TypeID) -> TypeKind { self[type].kind }

  /// Number of types in the recursion group of a type.
  func memberCount(ofGroupOf type: TypeID) -> Int { Int(groups[Int(self[type].group)].count) }

  /// The supertype that a type declares.
  func supertype(of type: TypeID) -> TypeID? { self[type].supertype }

  /// The IDs of all members of a type's recursion group, itself included, in their order.
  func recursionGroup(of type: TypeID) -> [TypeID] {
    let group = groups[Int(self[type].group)]
    return (group.first..<(group.first + group.count)).map(TypeID.init(rawValue:))
  }

  /// The signature of a function type, `nil` for other types. Type indices in it are IDs. It must not outlive the
  /// table and all copies of it.
  func functionType(of type: TypeID) -> FunctionType? {
    let definition = self[type]
    guard definition.kind == .function else { return nil }
    var reader = definition.bytes.bytes[(definition.compositeOffset + 1)..<definition.bytes.count]
    return try? FunctionType(&reader)
  }

  /// The type in short, with IDs for type indices: a function as wasm-ld prints it, others by what they are.
  func describe(_ type: TypeID) -> String {
    switch kind(of: type) {
    case .function: functionType(of: type).map(\.description) ?? ""
    case .structure: "struct"
    case .array: "array"
    case .continuation: "continuation"
    }
  }

  /// Whether `type` is `other` or declares it, directly or through others, as its supertype.
  func isSubtype(_ type: TypeID, _ other: TypeID) -> Bool {
    // A supertype's ID is smaller than that of the type: this ends.
    var next: TypeID? = type
    while let current = next {
      if current == other { return true }
      next = self[current].supertype
    }
    return false
  }
}
