import CFuzz

/// Changes inputs so that they stay what they are as far as possible: sizes and counts fit afterwards, names that one file
/// has turn up in another, numbers become those at which something may break.
struct Mutator {
  private var chance: SplitMix

  init(seed: UInt32) { chance = SplitMix(seed: UInt64(seed)) }

  /// - Parameter isContainer: whether the bytes are several files (``FuzzFiles``).
  mutating func mutate(_ bytes: [UInt8], maxSize: Int, isContainer: Bool) -> [UInt8] {
    if chance.chance(15) { return plain(bytes, maxSize) }
    guard isContainer else {
      let file = change(file: bytes, among: [bytes])
      return file.count <= maxSize ? file : plain(bytes, maxSize)
    }
    var parts = FuzzFiles(bytes)
    if parts.files.isEmpty || chance.chance(8) {
      change(&parts)
    } else {
      let index = chance.below(parts.files.count)
      parts.files[index].bytes = change(file: parts.files[index].bytes, among: parts.files.map(\.bytes))
    }
    let result = parts.bytes
    return result.count <= maxSize ? result : plain(bytes, maxSize)
  }

  private mutating func plain(_ bytes: [UInt8], _ maxSize: Int) -> [UInt8] {
    var buffer = bytes + Array(repeating: 0, count: max(0, maxSize - bytes.count))
    let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe LLVMFuzzerMutate(buffer.baseAddress, bytes.count, maxSize)
    }
    return Array(buffer.prefix(count))
  }

  /// Which files there are, and what is said of them.
  private mutating func change(_ parts: inout FuzzFiles) {
    switch chance.below(7) {
    case 0, 1: parts.choices ^= 1 << UInt16(chance.below(16))
    case 2:
      guard !parts.files.isEmpty else { break }
      parts.files[chance.below(parts.files.count)].flags = UInt8(chance.below(256))
    case 3:
      guard parts.files.count > 1 else { break }
      parts.files.swapAt(chance.below(parts.files.count), chance.below(parts.files.count))
    case 4:
      guard !parts.files.isEmpty, parts.files.count < FuzzFiles.largestCount else { break }
      parts.files.append(chance.pick(parts.files))
    case 5:
      // Words of the command line, in front, as the last file takes what is left.
      guard parts.files.count < FuzzFiles.largestCount else { break }
      let words = (0...chance.below(4)).map { _ in UInt8(chance.below(128)) }
      parts.files.insert((0, [UInt8(ascii: "-")] + words), at: 0)
    default:
      guard parts.files.count > 1 else { break }
      parts.files.remove(at: chance.below(parts.files.count))
    }
  }

  private mutating func change(file: [UInt8], among files: [[UInt8]]) -> [UInt8] {
    if file.starts(with: Array("!<arch>\n".utf8)), chance.chance(60) { return change(archive: file, among: files) }
    guard var sections = ModuleTree.sections(of: file) else { return change(bytes: file, among: files) }
    for _ in 0...chance.below(3) {
      if sections.isEmpty || chance.chance(10) {
        sections = change(sections, other: ModuleTree.sections(of: chance.pick(files)) ?? sections)
      } else {
        let index = chance.below(sections.count)
        sections[index] = change(sections[index], among: files)
      }
    }
    return ModuleTree.module(sections)
  }

  /// Changes the content of a member, which keeps its length if it can.
  private mutating func change(archive: [UInt8], among files: [[UInt8]]) -> [UInt8] {
    var offsets: [Int] = []
    for offset in stride(from: 8, to: archive.count - 60, by: 2) where archive[offset + 58] == 0x60 {
      offsets.append(offset + 60)
    }
    guard !offsets.isEmpty else { return archive }
    let start = chance.pick(offsets)
    let size = Int(String(decoding: archive[(start - 12)..<(start - 2)].prefix { $0 != 0x20 }, as: UTF8.self)) ?? 0
    let end = min(archive.count, start + max(0, min(size, archive.count)))
    let member = change(file: Array(archive[start..<end]), among: files)
    var header = Array(archive[..<start])
    let text = Array(String(member.count).utf8.prefix(10))
    for place in 0..<10 { header[start - 12 + place] = place < text.count ? text[place] : 0x20 }
    // Members begin at even offsets.
    let rest = archive[min(archive.count, end + end & 1)...]
    return header + member + (member.count & 1 == 1 ? [0x0A] : []) + Array(rest)
  }

  private mutating func change(_ items: [ModuleTree], other: [ModuleTree]) -> [ModuleTree] {
    var items = items
    switch chance.below(6) {
    case 0: if !items.isEmpty { items.remove(at: chance.below(items.count)) }
    case 1: if !items.isEmpty { items.insert(chance.pick(items), at: chance.below(items.count + 1)) }
    case 2: if !items.isEmpty { items.swapAt(chance.below(items.count), chance.below(items.count)) }
    case 3, 4: if !other.isEmpty { items.insert(chance.pick(other), at: chance.below(items.count + 1)) }
    default: if !other.isEmpty, !items.isEmpty { items[chance.below(items.count)] = chance.pick(other) }
    }
    return items
  }

  private mutating func change(_ tree: ModuleTree, among files: [[UInt8]]) -> ModuleTree {
    switch tree {
    case .bytes(let bytes): return .bytes(change(bytes: bytes, among: files))
    case .list(var items):
      if items.isEmpty || chance.chance(30) { return .list(change(items, other: items)) }
      let index = chance.below(items.count)
      items[index] = change(items[index], among: files)
      return .list(items)
    case .sized(let head, var parts):
      // A size that is a lie.
      if chance.chance(2) {
        let written = tree.written
        return .bytes(replacingNumber(written, at: head.count))
      }
      guard !parts.isEmpty else { return .sized(head, [.bytes(change(bytes: [], among: files))]) }
      let index = chance.below(parts.count)
      parts[index] = change(parts[index], among: files)
      return .sized(head, parts)
    }
  }

  // MARK: Bytes

  private static let numbers: [UInt64] = [
    0, 1, 2, 3, 4, 7, 8, 15, 16, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x10001, 0x7FFF_FFFF, 0x8000_0000,
    0xFFFF_FFF0, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF,
  ]

  private mutating func change(bytes: [UInt8], among files: [[UInt8]]) -> [UInt8] {
    guard !bytes.isEmpty else { return plain(bytes, 8) }
    switch chance.below(10) {
    case 0...3: return replacingNumber(bytes, at: chance.below(bytes.count))
    case 4, 5: return replacingName(bytes, among: files)
    case 6:
      // A piece of another file.
      let other = chance.pick(files)
      guard !other.isEmpty else { return bytes }
      let start = chance.below(other.count)
      let piece = other[start..<min(other.count, start + 1 + chance.below(24))]
      let place = chance.below(bytes.count)
      let end = chance.chance(50) ? place : min(bytes.count, place + piece.count)
      return replacing(place..<end, of: bytes, Array(piece))
    default: return plain(bytes, bytes.count + 16)
    }
  }

  private func replacing(_ range: Range<Int>, of bytes: [UInt8], _ piece: [UInt8]) -> [UInt8] {
    var bytes = bytes
    bytes.replaceSubrange(range, with: piece)
    return bytes
  }

  /// Puts another number in the place of the one that begins there, as long as that if it fits, now and then longer.
  private mutating func replacingNumber(_ bytes: [UInt8], at start: Int) -> [UInt8] {
    var end = start
    var old: UInt64 = 0
    while end < bytes.count, end < start + 10 {
      old |= UInt64(bytes[end] & 0x7F) << UInt64(min(63, 7 * (end - start)))
      end += 1
      if bytes[end - 1] < 0x80 { break }
    }
    let value: UInt64 =
      switch chance.below(4) {
      case 0: old &+ UInt64(1 + chance.below(3))
      case 1: old &- UInt64(1 + chance.below(3))
      case 2: UInt64(chance.below(bytes.count * 2 + 8))
      default: chance.pick(Mutator.numbers)
      }
    var number = leb(value)
    while number.count < end - start || chance.chance(3), number.count < 12 {
      number[number.count - 1] |= 0x80
      number.append(0)
    }
    return replacing(start..<end, of: bytes, number)
  }

  /// Puts a name of one of the files in the place of a name.
  private mutating func replacingName(_ bytes: [UInt8], among files: [[UInt8]]) -> [UInt8] {
    guard let place = name(in: bytes), let other = Optional(chance.pick(files)), let found = name(in: other) else {
      return replacingNumber(bytes, at: chance.below(bytes.count))
    }
    return replacing(place, of: bytes, Array(other[found]))
  }

  /// A byte of length and as many letters, somewhere from a random place on.
  private mutating func name(in bytes: [UInt8]) -> Range<Int>? {
    guard !bytes.isEmpty else { return nil }
    func isLetter(_ byte: UInt8) -> Bool { (0x2D...0x7A).contains(byte) }
    let first = chance.below(bytes.count)
    for step in 0..<min(bytes.count, 400) {
      let start = (first + step) % bytes.count
      let length = Int(bytes[start])
      guard (1...60).contains(length), start + length < bytes.count else { continue }
      if bytes[(start + 1)...(start + length)].allSatisfy(isLetter) { return start..<(start + length + 1) }
    }
    return nil
  }

  /// A file of one input among those of another.
  mutating func cross(_ first: [UInt8], _ second: [UInt8], maxSize: Int) -> [UInt8] {
    var parts = FuzzFiles(first)
    let others = FuzzFiles(second)
    guard let other = others.files.isEmpty ? nil : chance.pick(others.files) else { return first }
    if parts.files.count < FuzzFiles.largestCount, chance.chance(60) {
      parts.files.insert(other, at: chance.below(parts.files.count + 1))
    } else if !parts.files.isEmpty {
      parts.files[chance.below(parts.files.count)] = other
    }
    let result = parts.bytes
    return result.count <= maxSize ? result : first
  }
}
