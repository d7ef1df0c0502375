import WebAssemblyFormat

/// A place in the code of a file.
struct CodePlace: Equatable {
  /// Whether something begins at an address, or ends there.
  enum Edge { case begin, end }

  let function: FunctionID
  private let packedPosition: PackedIndex<OutputBodies>
  /// Counted from the first byte of the body; negative for the number in front that tells its size.
  let offset: Int

  /// Of the function in the result, if it is there.
  var position: Int? { packedPosition.index.map { Int($0) } }

  init(function: FunctionID, offset: Int, position: PackedIndex<OutputBodies>) {
    self.function = function
    self.offset = offset
    packedPosition = position
  }

  @inline(__always)
  func moved(to offset: Int) -> CodePlace {
    CodePlace(function: function, offset: offset, position: packedPosition)
  }
}

/// Answers about places in the code of a file, which mostly are in one function after the other: each walk through a
/// section has a cursor of its own.
struct CodeCursor: ~Copyable {
  let file: DebugFile
  private let isFinal: Bool
  private let codeStart: Int
  /// The bodies of a finished module, in which addresses are looked up, and how an address of the first is named in a
  /// relocation.
  private let unitBodies: UnitBodies
  private let bodies: [UnitBodies.Body]
  private let firstFunction: FunctionID
  private let firstSymbol: SymbolIndex?
  /// Where the bodies of the result begin, if addresses may be written as numbers.
  private let starts: [UInt32]
  private var cursor: BodyMaps.Cursor
  /// The function that it is in, and how long its body is in the file of a finished module.
  private var function: FunctionID?
  private var size = 0
  /// The same of a finished module: where its body begins in the file, and how many bytes it has; none if it is in no
  /// function.
  private var bodyStart = 0
  private var bodyCount: UInt = 0
  private var position = PackedIndex<OutputBodies>.none

  init(_ file: DebugFile) {
    self.file = file
    isFinal = file.isFinal
    codeStart = file.codeStart
    unitBodies = file.bodies
    bodies = file.isFinal ? file.bodies.bodies : []
    firstFunction = file.firstFunction
    firstSymbol = file.firstFunctionSymbol
    starts = file.isFinal && !file.keepsRelocations ? file.maps.starts : []
    cursor = BodyMaps.Cursor(file.maps)
  }

  // MARK: Places of addresses

  /// The place in code that an address is, which stands at an offset of a section; `nil` for one that is in no function,
  /// as of what was dropped when the file was made.
  ///
  /// - Parameter near: a place in the function that it is in, or at whose end it is, if it is in that.
  @inline(__always)
  mutating func place(
    in content: DebugContent, at offset: Int, _ address: UInt64, _ edge: CodePlace.Edge = .begin,
    near: CodePlace? = nil
  ) -> CodePlace? {
    if !isFinal { return file.relocatedPlace(in: content, at: offset) }
    // Mostly it is in the function where the cursor is: then it is in no other one.
    if address < UInt64(UInt32.max), let function, near == nil || near?.function == function {
      let offset = Int(address) &+ codeStart &- bodyStart
      if UInt(bitPattern: offset) < bodyCount, edge == .begin || offset > 0 {
        return CodePlace(function: function, offset: offset, position: position)
      }
    }
    return place(of: address, edge, near: near)
  }

  // Mutating, as all that is asked here: a cursor is copied before it is asked otherwise.
  @inline(never)
  private mutating func place(of address: UInt64, _ edge: CodePlace.Edge, near: CodePlace?) -> CodePlace? {
    guard address < UInt64(UInt32.max) else { return nil }
    let offset = Int(address) &+ codeStart
    if let near, let offset = self.offset(of: address, in: near) { return near.moved(to: offset) }
    // The last function that begins there or before.
    guard var index = unitBodies.index(at: offset) else { return nil }
    // Where a function ends, the next one begins.
    if edge == .end, Int(bodies[index].start) == offset, index > 0 { index -= 1 }
    guard offset <= Int(bodies[index].end) else { return nil }
    return CodePlace(
      function: firstFunction + index, offset: offset &- Int(bodies[index].body), position: bodies[index].position)
  }

  /// How far into the body of a function an address of a finished module is, if it is in that or at its end.
  mutating func offset(of address: UInt64, in place: CodePlace) -> Int? {
    guard address < UInt64(UInt32.max) else { return nil }
    let (body, offset) = (bodies[place.function - firstFunction], Int(address) &+ codeStart)
    return offset >= Int(body.body) && offset <= Int(body.end) ? offset - Int(body.body) : nil
  }

  /// The place that is so many bytes behind another one in the file, if it is in a function of a finished module.
  mutating func place(_ distance: Int, behind place: CodePlace, _ edge: CodePlace.Edge) -> CodePlace? {
    guard isFinal else { return nil }
    let start = Int(bodies[place.function - firstFunction].body) - codeStart
    let (end, isTooFar) = place.offset.addingReportingOverflow(distance)
    let (offset, overflow) = end.addingReportingOverflow(start)
    return isTooFar || overflow ? nil : self.place(of: UInt64(clamping: offset), edge, near: nil)
  }

  /// The place that is so many bytes behind another one in the file; `nil` if it is in no function.
  mutating func place(behind place: CodePlace, _ distance: UInt64) -> CodePlace? {
    guard let distance = Int(exactly: distance) else { return nil }
    let (offset, isTooFar) = place.offset.addingReportingOverflow(distance)
    if isTooFar { return nil }
    return offset <= size(of: place) ? place.moved(to: offset) : self.place(distance, behind: place, .begin)
  }

  /// How long the body of the function is in the file.
  mutating func size(of place: CodePlace) -> Int {
    guard isFinal else { return .max }
    let body = bodies[place.function - firstFunction]
    return Int(body.end) - Int(body.body)
  }

  // MARK: Places in the result

  /// How many bytes a place is into the body of its function in the result.
  @inline(__always)
  mutating func offset(of place: CodePlace) -> Int {
    if place.function != function { enter(place) }
    return cursor.offset(of: place.offset)
  }

  /// Where a place in the function that it is in is in the result.
  @inline(__always)
  mutating func offset(at offset: Int) -> Int { cursor.offset(of: offset) }

  /// Goes to the function of a place.
  mutating func enter(_ place: CodePlace) {
    function = place.function
    size = self.size(of: place)
    guard isFinal else { return cursor.enter(place.position) }
    let body = bodies[place.function - firstFunction]
    (bodyStart, bodyCount, position) = (Int(body.body), UInt(body.end - body.body), body.position)
    cursor.enter(place.position, body)
  }

  /// How far what was `distance` bytes behind a place is behind it in the result.
  ///
  /// - Parameter begin: where the place itself is, if that is known.
  @inline(__always)
  mutating func distance(from place: CodePlace, at begin: Int? = nil, _ distance: Int) -> Int {
    let (end, overflow) = place.offset.addingReportingOverflow(distance)
    if overflow { return distance }
    let begin = begin ?? offset(of: place)
    if place.function != function { enter(place) }
    if end > size, let position = place.position {
      return self.distance(from: place, position, at: begin, distance, end)
    }
    return cursor.offset(of: end) &- begin
  }

  /// The same where that is beyond the function.
  private mutating func distance(
    from place: CodePlace, _ position: Int, at begin: Int, _ distance: Int, _ end: Int
  ) -> Int {
    let (address, overflow) = end.addingReportingOverflow(
      Int(bodies[place.function - firstFunction].body) - codeStart)
    if overflow { return distance }
    guard let target = self.place(of: UInt64(clamping: address), .end, near: nil), let other = target.position else {
      return distance
    }
    return file.maps.start(ofFunctionAt: other) + offset(of: target) - file.maps.start(ofFunctionAt: position) - begin
  }

  /// Writes an address of code of a finished module: as the number that it is in the result, or if it is not there or the
  /// result has relocations, as a relocation.
  @inline(__always)
  mutating func write(_ place: CodePlace, at offset: Int, width: Int, to chunk: inout SectionChunk) {
    if isFinal { write(place, to: self.offset(of: place), at: offset, width: width, to: &chunk) }
  }

  /// - Parameter target: where that is in the body of its function in the result.
  @inline(__always)
  mutating func write(_ place: CodePlace, to target: Int, at offset: Int, width: Int, to chunk: inout SectionChunk) {
    if let number = number(of: place, to: target) {
      chunk.put(number, width: width, at: offset)
    } else {
      chunk.add(relocation(of: place, to: target, at: offset, width: width))
    }
  }

  /// What an address of code is in the result, if that is to be written as a number.
  @inline(__always)
  mutating func number(of place: CodePlace, to target: Int) -> UInt64? {
    guard let position = place.position, position < starts.count else { return nil }
    return UInt64(bitPattern: Int64(starts[position]) + Int64(Int32(clamping: target)))
  }

  /// The relocation of an address of code in a finished module.
  @inline(__always)
  mutating func relocation(of place: CodePlace, at offset: Int, width: Int) -> Relocation? {
    isFinal ? relocation(of: place, to: self.offset(of: place), at: offset, width: width) : nil
  }

  /// The relocation of an address of code in a finished module.
  ///
  /// - Parameter target: where that is in the body of its function in the result.
  @inline(__always)
  mutating func relocation(of place: CodePlace, to target: Int, at offset: Int, width: Int) -> Relocation? {
    guard isFinal, let firstSymbol else { return nil }
    var relocation = Relocation(
      width == 8 ? .functionOffsetI64 : .functionOffsetI32, at: UInt32(offset), width: UInt8(width),
      target: firstSymbol.rawValue &+ (place.function.rawValue &- firstFunction.rawValue))
    relocation.storedAddend = Int32(clamping: target)
    return relocation
  }
}
