import WebAssemblyFormat

/// The types of the blocks that a translation adds, and the types of functions for those that a module has not.
struct BlockTypes {
  private let types: ParsedTypes
  private let tags: [TypeIndex]
  /// Definitions that the module has not, by which they are known, and in their order.
  private var indices: [[UInt8]: UInt32] = [:]
  private(set) var added: [[UInt8]] = []

  static let exnref: UInt8 = 0x69

  /// - Parameter tags: the types of all tags of the module.
  init(_ types: ParsedTypes, tags: [TypeIndex]) {
    self.types = types
    self.tags = tags
  }

  func signature(of type: TypeIndex, at offset: Int) throws(FormatError) -> FunctionType {
    guard let signature = types.functionType(type.rawValue) else {
      throw FormatError("type \(type) is no function's", at: offset)
    }
    return signature
  }

  /// The type of a block that an exception leaves with what it has with it, and with a reference to it.
  ///
  /// - Parameter tag: of `catch_all`, none.
  mutating func exception(
    _ tag: UInt32?, withReference: Bool, at offset: Int
  ) throws(FormatError) -> [UInt8] {
    var values: [ValueType] = []
    if let tag {
      guard let type = tags[checked: Int(tag)] else { throw FormatError("there is no tag \(tag)", at: offset) }
      values += try signature(of: type, at: offset).parameters
    }
    return results(values, reference: withReference)
  }

  /// The type of a block that takes nothing and leaves some values.
  mutating func results(_ values: [ValueType]) -> [UInt8] { results(values, reference: false) }

  private mutating func results(_ values: [ValueType], reference: Bool) -> [UInt8] {
    var encoded = ByteWriter()
    for value in values { encoded.valueType(value) }
    if reference { encoded.byte(BlockTypes.exnref) }
    let count = values.count + (reference ? 1 : 0)
    if count == 0 { return [0x40] }
    if count == 1 { return encoded.bytes }
    var definition = ByteWriter()
    definition.raw([0x60, 0x00])
    definition.count(count)
    definition.raw(encoded)
    var index = ByteWriter()
    index.s33(Int64(add(definition.bytes)))
    return index.bytes
  }

  private mutating func add(_ definition: [UInt8]) -> UInt32 {
    if let known = indices[definition] { return known }
    let index = UInt32(types.count + added.count)
    indices[definition] = index
    added.append(definition)
    return index
  }
}
