import WebAssemblyFormat

/// The type section of an output: the types that it uses, in the order in which they were first asked for.
///
/// A type brings its whole recursion group, which takes consecutive indices, and before it every group that the group
/// refers to.
struct OutputTypes: Sendable {
  /// For every ID the index in the output, or ``unused``.
  private var indices: [UInt32] = []
  /// One member of each group, in the order of the output.
  private var groups: [TypeID] = []
  private static let unused = UInt32.max

  private(set) var count: UInt32 = 0

  init() {}

  var isEmpty: Bool { count == 0 }

  /// The index of a type in the output, if it is there.
  func index(of type: TypeID) -> UInt32? {
    guard Int(type.rawValue) < indices.count else { return nil }
    let index = indices[Int(type.rawValue)]
    return index == OutputTypes.unused ? nil : index
  }

  /// Makes sure that a type is in the output.
  ///
  /// - Returns: Its index there.
  mutating func register(_ type: TypeID, of table: TypeTable) -> UInt32 {
    if let index = index(of: type) { return index }
    if indices.count < table.count {
      indices.append(contentsOf: repeatElement(OutputTypes.unused, count: table.count - indices.count))
    }
    if table[type].isPlain, table.isAlone(type) {
      place([type])
    } else {
      registerWithReferences(type, of: table)
    }
    return indices[Int(type.rawValue)]
  }

  /// Depth first, what a group refers to before the group; references between groups only go back, so this ends.
  private mutating func registerWithReferences(_ type: TypeID, of table: TypeTable) {
    var stack: [(group: [TypeID], isExpanded: Bool)] = [(table.recursionGroup(of: type), false)]
    while let (group, isExpanded) = stack.popLast() {
      guard let first = group.first, index(of: first) == nil else { continue }
      if isExpanded {
        place(group)
        continue
      }
      stack.append((group, true))
      var references: [TypeID] = []
      for member in group {
        table.forEachReference(of: member) { reference in
          if index(of: reference) == nil, reference.rawValue < first.rawValue { references.append(reference) }
        }
      }
      for reference in references.reversed() { stack.append((table.recursionGroup(of: reference), false)) }
    }
  }

  private mutating func place(_ group: [TypeID]) {
    groups.append(group[0])
    for member in group {
      indices[Int(member.rawValue)] = count
      count += 1
    }
  }

  /// Writes the content of the type section.
  func write(to writer: inout ByteWriter, of table: TypeTable) {
    writer.count(groups.count)
    for first in groups {
      if table.isAlone(first) {
        write(first, to: &writer, of: table)
      } else {
        let group = table.recursionGroup(of: first)
        writer.byte(0x4E)
        writer.count(group.count)
        for member in group { write(member, to: &writer, of: table) }
      }
    }
  }

  private func write(_ type: TypeID, to writer: inout ByteWriter, of table: TypeTable) {
    if table[type].isPlain {
      writer.raw(table[type].bytes.bytes)
    } else {
      table.rewrite(type, to: &writer) { index(of: $0) ?? OutputTypes.unused }
    }
  }
}

extension TypeTable {
  /// Whether a type is the only member of its group.
  func isAlone(_ type: TypeID) -> Bool { memberCount(ofGroupOf: type) == 1 }

  /// Calls `body` with every type that a type's definition names.
  func forEachReference(of type: TypeID, _ body: (TypeID) -> Void) {
    guard !self[type].isPlain else { return }
    var ignored = ByteWriter()
    rewrite(type, to: &ignored) { reference in
      body(reference)
      return 0
    }
  }

  /// Writes a definition with the index that `map` gives for each type in it.
  func rewrite(_ type: TypeID, to writer: inout ByteWriter, map: (TypeID) -> UInt32) {
    let bytes = self[type].bytes
    var reader = bytes.bytes
    do {
      _ = try TypeDefinition(&reader, rewritingTo: &writer) { (index, _) throws(FormatError) -> UInt32 in
        map(TypeID(rawValue: index))
      }
    } catch {
      preconditionFailure("the table wrote this definition itself: \(error.message)")
    }
  }
}
