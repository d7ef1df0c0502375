import WebAssemblyFormat

/// Writes the addresses of `.debug_addr` over, which do not say what they are addresses of, but those who use them do.
struct AddressSection: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private var code: CodeCursor
  private(set) var chunk: SectionChunk

  init(_ file: DebugFile, _ content: DebugContent) {
    self.file = file
    self.content = content
    code = CodeCursor(file)
    chunk = SectionChunk(content.bytes)
  }

  /// - Parameters:
  ///   - uses: of all units.
  ///   - skeletons: units of whose addresses the uses are in other files, and what code they have.
  /// - Throws: ``FormatError`` for an address that is used as two things.
  mutating func run(_ uses: [AddressUse], skeletons: [SkeletonCode]) throws(FormatError) {
    file.carry(0..<content.bytes.count, of: content, to: 0, in: &chunk)
    if file.isFinal {
      let uses = uses.sorted { ($0.offset, $0.meaning.rawValue) < ($1.offset, $1.meaning.rawValue) }
      var done = 0
      for use in uses where use.offset >= done {
        try relocate(use)
        done = use.offset + use.width
      }
      let used = Set(uses.map(\.offset))
      done = 0
      for skeleton in skeletons { try relocateRest(of: skeleton, except: used, from: &done) }
    }
    chunk.closeRelocations()
  }

  private mutating func relocate(_ use: AddressUse) throws(FormatError) {
    var reader = try content.bytes.part(from: UInt64(use.offset))
    let address = try reader.fixed(use.width)
    switch use.meaning {
    case .code, .codeEnd:
      let edge: CodePlace.Edge = use.meaning == .codeEnd ? .end : .begin
      guard let place = code.place(in: content, at: use.offset, address, edge) else { return }
      code.write(place, at: use.offset, width: use.width, to: &chunk)
    case .data:
      if DebugFile.isDropped(address) { return }
      chunk.add(file.relocation(ofData: address, at: use.offset, width: use.width))
    case .threadLocal:
      // Where the data is not an object's it counts from a variable of the library's.
      guard let block = file.threadLocalBlock, !DebugFile.isDropped(address) else { return }
      let value = SymbolicValue(base: .memory(symbol: block), addend: Int64(clamping: address))
      chunk.add(file.relocation(of: value, at: use.offset, width: use.width))
    }
  }

  /// What only the other files use is code where it is in the units' code, and data elsewhere.
  ///
  /// - Parameter done: where what was relocated so far ends.
  private mutating func relocateRest(
    of skeleton: SkeletonCode, except used: Set<Int>, from done: inout Int
  ) throws(FormatError) {
    let width = skeleton.context.header.addressSize
    let end: Int
    var start = max(done, Int(clamping: skeleton.context.addressBase))
    if skeleton.context.header.version >= 5 {
      guard skeleton.context.addressBase >= 8 else { return }
      var header = try content.bytes.part(from: skeleton.context.addressBase - 8)
      (end, _) = try header.unitEnd()
    } else {
      // Up to the next unit's.
      end = min(skeleton.end, content.bytes.count)
    }
    while start + width <= end {
      defer {
        start += width
        done = start
      }
      if used.contains(start) { continue }
      var reader = try content.bytes.part(from: UInt64(start))
      let address = try reader.fixed(width)
      let meaning: AddressUse.Meaning = skeleton.contains(address) ? .code : .data
      try relocate(AddressUse(offset: start, width: width, meaning: meaning))
    }
  }
}
