import WebAssemblyFormat

/// The code of a unit whose entries are in another file (`-gsplit-dwarf`), which uses addresses of this one.
struct SkeletonCode {
  let context: UnitContext
  /// Addresses in the file.
  let code: [Range<UInt64>]
  /// Where the next unit's addresses begin.
  let end: Int

  /// The units of a file that are like that.
  ///
  /// - Parameter lists: those of ranges that entries refer to; a skeleton has one entry.
  /// - Throws: ``FormatError`` for what is damaged.
  static func find(
    _ contexts: [UnitContext], _ lists: [ListReference], _ file: DebugFile
  ) throws(FormatError) -> [SkeletonCode] {
    guard file.isFinal else { return [] }
    var ownLists = [[ListReference]](repeating: [], count: contexts.count)
    for list in lists where contexts[list.unit].isSkeleton && (list.section == .ranges || list.section == .rangeLists) {
      ownLists[list.unit].append(list)
    }
    let bases = contexts.map(\.addressBase).sorted()
    var result: [SkeletonCode] = []
    var code = CodeCursor(file)
    for (number, context) in contexts.enumerated() where context.isSkeleton {
      var ranges: [Range<UInt64>] = []
      if let range = context.range { ranges.append(range) }
      for list in ownLists[number] { ranges += try self.ranges(of: list, context, &code) }
      let next = bases[checked: bases.indices.partitionPoint { bases[$0] <= context.addressBase }]
      result.append(SkeletonCode(context: context, code: ranges, end: next.map { Int(clamping: $0) } ?? .max))
    }
    return result
  }

  private static func ranges(
    of list: ListReference, _ context: UnitContext, _ code: inout CodeCursor
  ) throws(FormatError) -> [Range<UInt64>] {
    guard let content = code.file[list.section] else { return [] }
    var reader = try content.bytes.part(from: UInt64(list.offset))
    return list.section == .ranges
      ? try pairs(&reader, context) : try entries(&reader, context, &code)
  }

  private static func pairs(
    _ reader: inout ByteReader, _ context: UnitContext
  ) throws(FormatError) -> [Range<UInt64>] {
    let width = context.header.addressSize
    var result: [Range<UInt64>] = []
    var base = context.baseAddress
    while true {
      let (begin, end) = (try reader.fixed(width), try reader.fixed(width))
      if begin == 0, end == 0 { return result }
      if begin == (width == 8 ? UInt64.max : UInt64(UInt32.max)) {
        base = end
      } else if begin < end {
        result.append(base &+ begin..<max(base &+ begin, base &+ end))
      }
    }
  }

  private static func entries(
    _ reader: inout ByteReader, _ context: UnitContext, _ code: inout CodeCursor
  ) throws(FormatError) -> [Range<UInt64>] {
    let width = context.header.addressSize
    var result: [Range<UInt64>] = []
    var base = context.baseAddress
    while true {
      let at = reader.offset
      func address(_ reader: inout ByteReader) throws(FormatError) -> UInt64 {
        try context.address(try reader.u64(), &code, at: at)?.value ?? .max
      }
      let (begin, end): (UInt64, UInt64)
      switch try reader.byte() {
      case 0: return result
      case 1:
        base = try address(&reader)
        continue
      case 2: (begin, end) = (try address(&reader), try address(&reader))
      case 3:
        begin = try address(&reader)
        end = begin &+ (try reader.u64())
      case 4: (begin, end) = (base &+ (try reader.u64()), base &+ (try reader.u64()))
      case 5:
        base = try reader.fixed(width)
        continue
      case 6: (begin, end) = (try reader.fixed(width), try reader.fixed(width))
      case 7:
        begin = try reader.fixed(width)
        end = begin &+ (try reader.u64())
      default: throw FormatError("unknown kind of an entry of a list", at: at)
      }
      if begin < end { result.append(begin..<end) }
    }
  }
}
