import WebAssemblyFormat

/// The code of units whose entries are in other files (`-gsplit-dwarf`), and which use the same addresses of this one, as all
/// of a file do that was compiled at once.
struct SkeletonCode {
  /// One of the units.
  let context: UnitContext
  /// Addresses in the file, in order, none twice.
  let code: [Range<UInt64>]
  /// Where the next unit's addresses begin.
  let end: Int

  /// The units of a file that are like that, in the order of their addresses.
  ///
  /// - Parameter lists: the first list of ranges that an entry of each such unit refers to; code of the entries below the
  ///   first is some of its code.
  /// - Throws: ``FormatError`` for what is damaged.
  static func find(
    _ contexts: [UnitContext], _ lists: [ListReference], _ file: DebugFile
  ) throws(FormatError) -> [SkeletonCode] {
    guard file.isFinal else { return [] }
    let ownLists = Dictionary(lists.map { ($0.unit, $0) }, uniquingKeysWith: { first, _ in first })
    let bases = contexts.map(\.addressBase).sorted()
    var found: [UInt64: (context: UnitContext, code: [Range<UInt64>])] = [:]
    var code = CodeCursor(file)
    // Lists that are no part of each other have no more ranges than their sections have bytes.
    var left = (file[.ranges]?.bytes.count ?? 0) + (file[.rangeLists]?.bytes.count ?? 0)
    for (number, context) in contexts.enumerated() where context.isSkeleton {
      var ranges: [Range<UInt64>] = []
      if let range = context.range { ranges.append(range) }
      if let list = ownLists[number] { ranges += try self.ranges(of: list, context, &code) }
      left -= ranges.count - (context.range == nil ? 0 : 1)
      guard left >= 0 else { throw FormatError("lists of ranges overlap", at: context.header.start) }
      found[context.addressBase, default: (context, [])].code += ranges
    }
    return found.sorted { $0.key < $1.key }.map { base, unit in
      let next = bases[checked: bases.indices.partitionPoint { bases[$0] <= base }]
      return SkeletonCode(
        context: unit.context, code: joined(unit.code), end: next.map { Int(clamping: $0) } ?? .max)
    }
  }

  /// Whether an address is one of the code.
  func contains(_ address: UInt64) -> Bool {
    let next = code.indices.partitionPoint { code[$0].upperBound <= address }
    return next < code.count && code[next].contains(address)
  }

  /// The same addresses in order, none twice.
  private static func joined(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
    var result: [Range<UInt64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
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
