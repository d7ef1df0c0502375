import WebAssemblyFormat

/// Goes through the entries of one unit of `.debug_info` or `.debug_types`, and finds all that refers to something.
///
/// No entry changes its length, since entries refer to each other by offset. A length of code that changed is written over
/// the old one; one that has no room there is an error, and has not been seen: compilers write four bytes.
struct EntryWalker: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private let context: UnitContext
  private let number: Int
  private let table: EntryTable
  private var code: CodeCursor
  private var expressions: ExpressionWalker
  /// The bytes of the unit.
  private(set) var chunk: SectionChunk
  private(set) var lists: [ListReference] = []
  private(set) var uses: [AddressUse] = []
  private(set) var sequences: [SequenceReference] = []
  /// Addresses and lengths of code, which are written over those of the file.
  private var numbers = GrowingRow<SectionChunk.Number>(capacity: 0)
  /// Where offsets into `.debug_str` stand that need no relocation of their own, and into other sections.
  private var strings = GrowingRow<UInt32>(capacity: 0)
  private var references = GrowingRow<Reference>(capacity: 0)
  private let targets: [DebugFile.Target?]
  private let keepsRelocations: Bool
  private let isFinal: Bool
  /// The last offset into `.debug_str` that needs no relocation of its own, or -1.
  private let lastString: Int

  struct Reference {
    /// Of the section.
    let number: UInt32
    let place: UInt32
  }

  /// The code of an entry that others are in.
  private struct Scope {
    let depth: Int
    /// Where it begins and how long it is in the file; none if it is divided, or dropped.
    let code: (place: CodePlace, length: Int)?
  }

  // Of the entry that is being read.
  private var low: CodePlace?
  /// Where that is in the body of its function in the result, if that was asked for.
  private var lowTarget: Int?
  /// How far behind that in the file its code ends, as far as it is known.
  private var length = 0
  /// Where a list of ranges was referred to last, instead of a beginning and an end.
  private var rangesPlace = -1
  /// In the function that entries are about.
  private var function: CodePlace?
  /// The entries around with code of their own, the innermost one last.
  private var scopes: [Scope] = []
  /// How many entries are around.
  private var depth = 0
  /// A length or an address of an end, which wait for the beginning.
  private var lengths: [(offset: Int, end: Int, width: Int, value: UInt64)] = []
  private var high: (offset: Int, value: UInt64)?
  /// An end that is known without the beginning.
  private var end: CodePlace?
  private var argument: (expression: Range<Int>, type: UInt64)?
  private var argumentType: UInt64 = 0

  /// - Parameter number: of the unit in the file.
  init(_ file: DebugFile, _ content: DebugContent, _ context: UnitContext, _ number: Int, _ table: EntryTable) {
    self.file = file
    self.content = content
    self.context = context
    self.number = number
    self.table = table
    code = CodeCursor(file)
    expressions = ExpressionWalker(file, context, chunkStart: context.header.start)
    chunk = SectionChunk(source: content.bytes[context.header.start..<context.header.end])
    (targets, keepsRelocations, isFinal) = (file.targets, file.keepsRelocations, file.isFinal)
    lastString = keepsRelocations ? -1 : targets[DebugSection.strings.rawValue]?.count ?? -1
  }

  /// Makes room for what a finished module has, of whose entries each has a dozen bytes, and mostly a name.
  private mutating func makeRoom() {
    if keepsRelocations {
      chunk.relocations.reserveCapacity(chunk.count / 14)
    } else {
      numbers = GrowingRow(capacity: chunk.count / 24)
      strings = GrowingRow(capacity: chunk.count / 20)
    }
  }

  /// Goes through all entries.
  ///
  /// - Throws: ``FormatError`` for what is damaged.
  mutating func run() throws(FormatError) {
    let header = context.header
    var reader = content.bytes[header.firstEntry..<header.end]
    try add(header.abbreviations, header.offsetSize, into: .abbreviations, at: header.abbreviationsField, reader)
    let (abbreviations, entries, steps) = (table.abbreviations, table.plan.entries, table.plan.steps)
    if isFinal { makeRoom() }
    while !reader.isAtEnd {
      let at = reader.offset
      let code = try reader.u64()
      if code == 0 {
        depth &-= 1
        while let last = scopes.last, last.depth > depth { scopes.removeLast() }
        continue
      }
      guard let index = abbreviations.index(of: code) else {
        throw FormatError("there is no abbreviation \(code)", at: at)
      }
      let entry = entries[index]
      for position in Int(entry.first)..<Int(entry.end) {
        let (count, step) = steps[position]
        // If that is beyond the end, what follows cannot be read.
        reader.offset &+= Int(count)
        switch step {
        case .number: try reader.skipNumber()
        case .string: try reader.skipString()
        case .offset(let section, let width):
          let at = reader.offset
          try add(try reader.fixed(width), width, into: section, at: at, reader)
        case .code(let attribute):
          let at = reader.offset
          try takeAddress(attribute, try reader.fixed(context.header.addressSize), at: at)
        case .length(let width):
          let at = reader.offset
          try takeLength(width == 0 ? try reader.u64() : try reader.fixed(width), width, at, reader.offset)
        case .expression(let width) where !entry.isTemplateArgument:
          let length = width == 0 ? try reader.u64() : try reader.fixed(width)
          let expression = try reader.slice(Int(clamping: length))
          if isFinal { try walk(expression, isFunction: false) }
        default: try take(step, &reader, entry.isTemplateArgument)
        }
      }
      try reader.skip(Int(entry.rest))
      if entry.waits { try finish() }
      if entry.hasChildren { descend(from: at) }
      low = nil
    }
    file.carry(header.start..<header.end, of: content, to: 0, in: &chunk)
    close()
  }

  /// Gives what was found to the chunk.
  private mutating func close() {
    chunk.close(&numbers)
    var places = [[UInt32]](repeating: [], count: targets.count)
    for index in 0..<references.count { places[Int(references[index].number)].append(references[index].place) }
    places[DebugSection.strings.rawValue] = strings.array
    for (target, places) in zip(targets, places) {
      if let target, !places.isEmpty {
        chunk.references.append(SectionChunk.References(target: target.symbol, places: places))
      }
    }
  }

  private mutating func take(
    _ step: EntryPlan.Step, _ reader: inout ByteReader, _ isTemplateArgument: Bool
  ) throws(FormatError) {
    let at = reader.offset
    switch step {
    case .bytes(let count): try reader.skip(count)
    case .number: try reader.skipNumber()
    case .string: try reader.skipString()
    case .block(let width):
      let length = width == 0 ? try reader.u64() : try reader.fixed(width)
      try reader.skip(Int(clamping: length))
    case .expression(let width):
      let length = width == 0 ? try reader.u64() : try reader.fixed(width)
      let expression = try reader.slice(Int(clamping: length))
      if isTemplateArgument {
        argument = (expression.offset..<expression.end, 0)
      } else {
        try walk(expression, isFunction: false)
      }
    case .offset(let section, let width): try add(try reader.fixed(width), width, into: section, at: at, reader)
    case .sequence(let width):
      let value = try reader.fixed(width)
      let relocation = file.relocation(in: content, at: at)
      let offset = relocation.map { UInt64(bitPattern: file.unit.addend(of: $0)) } ?? value
      // What has no lines names none.
      if relocation == nil, DebugFile.isDropped(value) { break }
      sequences.append(SequenceReference(offset: offset, place: at))
      try add(value, width, into: .line, at: at, reader)
    case .code(let attribute): try takeAddress(attribute, try reader.fixed(context.header.addressSize), at: at)
    case .codeIndex(let width, let attribute):
      let index = width == 0 ? try reader.u64() : try reader.fixed(width)
      let isEnd = attribute == .high
      take(try place(ofIndex: index, isEnd ? .end : .begin, at: at), attribute)
    case .codeSum(let form, let attribute):
      if let sum = try CodeSum(form, &reader, context.header) { try take(sum, attribute) }
    case .length(let width):
      try takeLength(width == 0 ? try reader.u64() : try reader.fixed(width), width, at, reader.offset)
    case .constantLength(let value): lengths.append((at, at, 0, UInt64(bitPattern: value)))
    case .list(let section, let width):
      let offset = try reader.fixed(width)
      try add(offset, width, into: section, at: at, reader)
      if section == .ranges || section == .rangeLists { rangesPlace = at }
      if file[section] != nil {
        lists.append(ListReference(section: section, offset: offset, unit: number))
      }
    case .listIndex(let section):
      if section == .rangeLists { rangesPlace = at }
      guard let offset = try context.list(try reader.u64(), of: section, file, at: at) else { break }
      lists.append(ListReference(section: section, offset: offset, unit: number))
    case .type(let width): argumentType = try reader.fixed(width)
    case .indirect(let name):
      guard let form = DwarfForm(rawValue: UInt16(clamping: try reader.u64())), form != .indirect,
        form != .implicitConstant
      else { throw FormatError("unknown form", at: at) }
      try take(try EntryPlan.step(name, form, 0, context.header), &reader, isTemplateArgument)
    }
  }

  /// Notes an offset into another section.
  @inline(__always)
  private mutating func add(
    _ value: UInt64, _ width: Int, into section: DebugSection, at offset: Int, _ reader: ByteReader
  ) throws(FormatError) {
    let place = offset &- context.header.start
    if section == .strings, width == 4, Int(truncatingIfNeeded: value) <= lastString {
      strings.append(UInt32(truncatingIfNeeded: place))
    } else if width == 4, !keepsRelocations, let target = targets[section.rawValue], value <= UInt64(target.count) {
      references.append(Reference(number: UInt32(section.rawValue), place: UInt32(truncatingIfNeeded: place)))
    } else {
      chunk.add(try file.relocation(of: value, into: section, at: place, of: reader))
    }
  }

  /// A length waits for the beginning, if that is behind it.
  @inline(__always)
  private mutating func takeLength(_ value: UInt64, _ width: Int, _ offset: Int, _ end: Int) throws(FormatError) {
    if low == nil {
      lengths.append((offset, end, width, value))
    } else {
      try write(offset, end, width, value)
    }
  }

  private mutating func takeAddress(
    _ attribute: EntryPlan.CodeAttribute, _ value: UInt64, at offset: Int
  ) throws(FormatError) {
    if attribute == .high {
      high = (offset, value)
      return
    }
    let place = code.place(in: content, at: offset, value, near: attribute == .low ? nil : low)
    let target = add(place, at: offset)
    if attribute == .low {
      begin(at: place)
      lowTarget = target
    }
  }

  /// The place that an index of an address is, whose use is noted.
  private mutating func place(
    ofIndex index: UInt64, _ edge: CodePlace.Edge, at offset: Int
  ) throws(FormatError) -> CodePlace? {
    guard let address = try context.address(index, &code, at: offset, edge, near: low) else { return nil }
    uses.append(
      AddressUse(
        offset: address.offset, width: context.header.addressSize, meaning: edge == .end ? .codeEnd : .code))
    return address.place
  }

  private mutating func take(_ sum: CodeSum, _ attribute: EntryPlan.CodeAttribute) throws(FormatError) {
    // What something is added to is a beginning.
    let edge: CodePlace.Edge = attribute == .high && sum.distance == nil ? .end : .begin
    var place: CodePlace?
    switch sum.address {
    case .number(let value, let offset):
      place = code.place(in: content, at: offset, value, edge, near: attribute == .low ? nil : low)
      add(place, at: offset)
    case .index(let index, let offset): place = try self.place(ofIndex: index, edge, at: offset)
    }
    if let distance = sum.distance, let base = place, let count = Int(exactly: distance.value) {
      try write(code.distance(from: base, count), over: count, distance.offset, distance.end, distance.width)
      place = code.place(behind: base, distance.value)
    }
    take(place, attribute)
  }

  private mutating func take(_ place: CodePlace?, _ attribute: EntryPlan.CodeAttribute) {
    switch attribute {
    case .low: begin(at: place)
    case .high: end = place
    case .other: break
    }
  }

  private mutating func begin(at place: CodePlace?) {
    (low, lowTarget, length) = (place, nil, 0)
    // A unit, or a function that was dropped, has no place, and says nothing of the function before it.
    function = place
  }

  /// Writes an address of code.
  ///
  /// - Returns: where it is in the body of its function in the result, if it is there and not a relocation of an object.
  @inline(__always)
  @discardableResult
  private mutating func add(_ place: CodePlace?, at offset: Int) -> Int? {
    guard isFinal, let place else { return nil }
    let (target, width) = (code.offset(of: place), context.header.addressSize)
    if width == 4, let number = code.number(of: place, to: target) {
      put(UInt32(truncatingIfNeeded: number), at: offset &- context.header.start)
    } else {
      code.write(place, to: target, at: offset - context.header.start, width: width, to: &chunk)
    }
    return target
  }

  @inline(__always)
  private mutating func put(_ number: UInt32, at place: Int) {
    numbers.append(SectionChunk.Number(offset: UInt32(truncatingIfNeeded: place), value: number))
  }

  /// What had to wait for the whole entry.
  @inline(__always)
  private mutating func finish() throws(FormatError) {
    if high != nil || end != nil || !lengths.isEmpty || argument != nil { try finishWaiting() }
    argumentType = 0
  }

  /// What follows is in the entry that was read.
  private mutating func descend(from start: Int) {
    depth &+= 1
    if rangesPlace >= start {
      scopes.append(Scope(depth: depth, code: nil))
    } else if let low {
      scopes.append(Scope(depth: depth, code: length > 0 ? (low, length) : nil))
    }
  }

  private mutating func finishWaiting() throws(FormatError) {
    if let high {
      // An end belongs to a beginning: without that it is as dropped as that.
      if let low {
        end = code.place(in: content, at: high.offset, high.value, .end, near: low)
        add(end, at: high.offset)
      }
      self.high = nil
    }
    if let end, let low, end.function == low.function { length = max(length, end.offset - low.offset) }
    end = nil
    if !lengths.isEmpty {
      for index in lengths.indices {
        let length = lengths[index]
        try write(length.offset, length.end, length.width, length.value)
      }
      lengths.removeAll(keepingCapacity: true)
    }
    if let argument {
      self.argument = nil
      let isFunction = isFinal ? try isFunction(argumentType, depth: 0) : false
      try walk(content.bytes[argument.expression], isFunction: isFunction)
    }
  }

  private mutating func write(_ offset: Int, _ end: Int, _ width: Int, _ value: UInt64) throws(FormatError) {
    guard let low, let length = Int(exactly: value) else { return }
    self.length = max(self.length, length)
    try write(code.distance(from: low, at: lowTarget, length), over: length, offset, end, width)
  }

  /// Writes a length over that of the file.
  @inline(__always)
  private mutating func write(
    _ moved: Int, over length: Int, _ offset: Int, _ end: Int, _ width: Int
  ) throws(FormatError) {
    if moved == length { return }
    let place = offset - context.header.start
    if width == 4, let moved = UInt32(exactly: moved) {
      put(moved, at: place)
    } else if width > 0, moved >= 0, width == 8 || moved < 1 << (8 * width) {
      chunk.put(UInt64(moved), width: width, at: place)
    } else if width > 0 || moved < 0 || !chunk.put(number: UInt64(moved), width: end - offset, at: place) {
      throw FormatError("there is no room for the new length \(moved) of code", at: offset)
    }
  }

  private mutating func walk(_ expression: ByteReader, isFunction: Bool) throws(FormatError) {
    guard isFinal else { return }
    // As lists say it, `DebugFile.isPlain`, but for an extent that is only looked for where something may be lost.
    let local = file.onlyLocal(of: expression)
    if let local {
      guard let function, let losing = file.losing(local, at: function) else { return }
      if !file.lost.loses(local: local, extent(), in: losing) { return }
    }
    let extent = extent()
    try expressions.run(expression, isFunction: isFunction, from: function, extent: extent, &code, &chunk, &uses)
  }

  /// For which code a location holds that is one expression: that of the innermost entry around.
  // Mutating, since all of this is copied before it is asked otherwise.
  private mutating func extent() -> LocationExtent {
    guard let function, let (place, length) = scopes.last?.code, place.function == function.function else {
      return .function
    }
    // No function has more bytes, whatever a damaged length says.
    return .scope(place.offset..<place.offset + min(length, Int(UInt32.max)))
  }

  /// Whether the type at an offset of the unit is a pointer to a function.
  private func isFunction(_ type: UInt64, depth: Int) throws(FormatError) -> Bool {
    guard type > 0, depth < 16, type < UInt64(context.header.end - context.header.start) else { return false }
    var reader = content.bytes[context.header.start + Int(type)..<context.header.end]
    let abbreviations = table.abbreviations
    guard let index = abbreviations.index(of: try reader.u64()) else { return false }
    let abbreviation = abbreviations.abbreviations[index]
    switch abbreviation.tag {
    case DwarfTag.subroutineType: return true
    case DwarfTag.pointerType, DwarfTag.referenceType, DwarfTag.rvalueReferenceType, DwarfTag.typedef,
      DwarfTag.constantType, DwarfTag.volatileType:
      break
    default: return false
    }
    for attribute in abbreviations.attributes[abbreviation.attributes] {
      var value = reader
      try reader.skip(attribute.form, of: context.header)
      guard attribute.name == DwarfAttribute.type else { continue }
      guard case .bytes(let width) = attribute.form.layout, width <= 4 else { return false }
      return try isFunction(try value.fixed(width), depth: depth + 1)
    }
    return false
  }
}
