import WebAssemblyFormat

// Where everything lies in the main memory.
//
// From objects alone the layout is wasm-ld's: the stack and the static data in either order, then the heap. Static data
// is segments of one kind after another (``SegmentForming``), with the blocks of shared libraries in front of what is
// zero-initialised, each in one piece because its code computes from the first byte; constants of the link take the place
// of `__memory_base`.
//
// A plain module's memory is laid out already: its data, its stack and its heap have addresses that its code knows. All
// that the linker places, a stack for the libraries among it, has to go where the module has nothing, and the module must
// learn of it; ``PlainMemory`` finds out where that is. Then, whatever the mix of inputs:
//
//  - No data lies at address 0, which is C's null pointer.
//  - Nothing lies where something else is. What a module says of itself is checked against its own segments, the
//    segments of several modules against each other, and those of libraries at fixed addresses against what was placed.
//  - A segment that its module could not have been started with, because it lies beyond the memory, is not made good by
//    a memory that became larger.
//
// How large the memories become is in ``MemorySize``, which memory is the main one in ``MemoryBinding``.

/// Where everything lies in memory.
struct MemoryPlan {
  /// Data segments of the result, in their order.
  var segments: [OutputSegment] = []
  /// Address of each input segment, numbered over all units; meaningless for those that are not live.
  var segmentAddresses = Row<LinkSegments, UInt64>()
  /// Index of the output segment of each input segment; none for blocks and dead ones.
  var outputSegments = Row<LinkSegments, PackedIndex<OutputSegments>>()
  /// Limits of each memory of the result.
  private(set) var limits: [Limits] = []
  var stackPointer: UInt64 = 0
  var stackLow: UInt64 = 0
  var dataStart: UInt64 = 0
  var dataEnd: UInt64 = 0
  var heapBase: UInt64 = 0
  var heapEnd: UInt64 = 0
  var tlsSize: UInt64 = 0
  var tlsAlignment: UInt64 = 0
  var tlsAddress: UInt64 = 0
  /// What libraries have in each thread's block, behind the program's own data.
  var threadLocalBlocks: [ThreadLocalBlock] = []
  var initMemoryFlag: UInt64?
  /// Where threads see who of them runs constructors, and does what else only one may do at instantiation.
  var constructorsFlag: UInt64?
  var firstInstanceFlag: UInt64?
  /// Log2 of the strictest alignment of static data.
  var alignment: UInt32 = 0
  /// Addresses of globals of plain modules that the layout decides, by their numbers over all units.
  var decidedAddresses: [GlobalID: UInt64] = [:]
  /// The whole module whose heap stays where it is, with what was placed below its data.
  var keptHeap: UnitID?

  /// Takes what was found about the sizes of memories.
  fileprivate mutating func setSize(_ size: (limits: [Limits], heapEnd: UInt64)) {
    limits = size.limits
    heapEnd = size.heapEnd
  }

  /// In place of the address of strings that were merged, each of which has its own.
  static let mergedStrings = UInt64.max
}

/// Gives everything its address; see the comment at the head of the file.
struct MemoryPass {
  private let resolution: Resolution
  private let own: OwnUnit
  private let live: Liveness
  private let start: StartOrder
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let is64: Bool
  private let threads: Threads
  /// Of each unit, the number of its first segment over all units.
  private let segmentBases: [SegmentID]
  /// Data that lies where its module says.
  private let fixedData: [FixedData]
  /// What plain modules have in the main memory, if there are any that use it.
  private let plain: PlainMemory?
  /// Whether anything has to be placed beside what is there.
  private var isPlacing = true
  private var plan = MemoryPlan()
  private var next: UInt64 = 0

  init(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ start: StartOrder, options: LinkOptions,
    diagnostics: Diagnostics, threads: Threads, is64: Bool
  ) {
    self.own = own
    self.start = start
    segmentBases = resolution.units.map(\.bases.segment)
    self.resolution = resolution
    self.live = live
    self.options = options
    self.diagnostics = diagnostics
    self.is64 = is64
    self.threads = threads
    fixedData = FixedData.find(resolution, live)
    plain = PlainMemory(resolution, fixedData, options, diagnostics)
    let formed = SegmentForming(resolution, live, options, diagnostics, threads)
    plan.segments = formed.segments
    plan.outputSegments = formed.outputSegments
    plan.segmentAddresses = formed.segmentAddresses
    isPlacing = needsMemory
  }

  static let stackAlignment: UInt64 = 16
  static let heapAlignment: UInt64 = 16
  /// Where static data begins when nothing lies below: with room for a null pointer's fields.
  static let firstAddress: UInt64 = 1024

  /// Runs the pass.
  consuming func run() -> MemoryPlan {
    FixedData.reportOverlaps(fixedData, diagnostics)
    checkStackPointer()
    guard let plain else {
      guard place(from: 0) else { return plan }
      finish(heapBase: next.aligned(to: MemoryPass.heapAlignment), moved: 0)
      return plan
    }
    guard isPlacing else {
      plain.check(hasOthers: resolution.inLinkOrder.contains { $0.contracts.expectsConventions })
      place(from: plain.heapBase)
      finish(heapBase: plain.heapBase, moved: 0)
      return plan
    }
    switch plain.room(threads) {
    case .above(let start):
      let heapBase = place(behind: start, plain)
      finish(heapBase: heapBase, moved: heapBase &- min(heapBase, plain.heapBase))
    case .beforeStack(let start):
      place(from: start)
      let moved = (next &- start).aligned(to: MemoryPass.heapAlignment)
      finish(heapBase: plain.heapBase &+ moved, moved: moved)
    }
    return plan
  }

  // MARK: Placing

  /// Places everything behind a plain module's static memory, or below it where that is not free.
  ///
  /// - Returns: where the heap begins then.
  private mutating func place(behind start: UInt64, _ plain: PlainMemory) -> UInt64 {
    let before = self
    place(from: start)
    // Zero bytes may have been placed.
    if next == start { return start }
    let end = next.aligned(to: MemoryPass.heapAlignment)
    guard let program = plain.programWithout(roomUpTo: end, threads) else { return end }
    self = before
    plan.keptHeap = program.unit.index
    let room = plain.roomBelow(program)
    place(from: room.lowerBound, isBelow: true)
    if next > room.upperBound { program.report(next &- room.lowerBound, in: room, diagnostics) }
    return plain.heapBase
  }

  /// - Returns: whether data may begin where it was asked to.
  @discardableResult
  private mutating func place(from start: UInt64, isBelow: Bool = false) -> Bool {
    next = start
    let ownsStack = resolution.wellKnown.stackPointer == nil
    if options.stackFirst, !ownsStack { placeStack() }
    if let base = options.globalBase, !isBelow {
      // Beside a whole module it is the lowest address that data may have.
      if options.stackFirst, plain == nil, base < next {
        diagnostics.report(
          "--global-base cannot be less than stack size when --stack-first is used",
          hint: options.stackFirstIsChosen
            ? nil
            : "--stack-first is the default; pass --no-stack-first, or --compat=19 for the rules of older releases",
          about: "--global-base", .memory, as: options)
        return false
      }
      next = max(next, base)
    }
    // Address 0 is the null pointer, and no data's.
    if resolution.keepsMemory, next == 0 { next = MemoryPass.firstAddress }
    plan.dataStart = next
    diagnostics.log("mem: global base = \(next)")
    // What the file contains comes first, so that most addresses are short; zeros may be many.
    let formed = plan.segments.indices
    for index in formed where !plan.segments[index].isBSS { placeSegment(index) }
    placeBlocks()
    for index in formed where plan.segments[index].isBSS { placeSegment(index) }
    plan.placeThreadLocalBlocks(resolution, own, live, options, diagnostics)
    placeFlags()
    plan.dataEnd = next
    diagnostics.log("mem: static data = \(next &- plan.dataStart)")
    if !options.stackFirst, !ownsStack { placeStack() }
    return true
  }

  private mutating func finish(heapBase: UInt64, moved: UInt64) {
    plan.heapBase = heapBase
    checkFixedData()
    placeKeptSegments()
    orderSegments()
    let placedEnd = max(next, heapBase == plain?.heapBase ? 0 : heapBase)
    let size = MemorySize(resolution, options, diagnostics, is64: is64)
    // As in wasm-ld, the memory ends with the data where nobody asks where the heap begins.
    let end = resolution.wellKnown.addresses[.heapBase] == nil ? next : heapBase
    plan.setSize(size.of(placedEnd: plain == nil ? end : isPlacing ? placedEnd : 0, moved: moved))
    if let plain, plain.heapBase != heapBase {
      plan.decidedAddresses = plain.decidedAddresses(heapBase: heapBase, heapEnd: plan.heapEnd, moved: moved)
      checkDecidedAddresses()
    }
    checkBounds()
  }

  /// Where a module's heap begins has to be an address.
  private func checkDecidedAddresses() {
    guard let main = resolution.memories.main, !plan.limits[Int(main)].is64,
      let address = plan.decidedAddresses.values.max(), address > UInt32.max
    else { return }
    diagnostics.error(
      "nothing is left for a heap behind the data or stack that has to be placed, which would begin at \(address), beyond the "
        + "addresses of 32 bits", .memory, symbol: "__heap_base")
  }

  /// The stack pointer that everybody shares has to point into the memory that everybody uses.
  private func checkStackPointer() {
    guard resolution.wellKnown.stackPointer == nil, let id = resolution.table.find("__stack_pointer") else { return }
    let symbol = resolution.symbol(id)
    guard symbol.isDefined, symbol.kind == .global, resolution.units[symbol.definer].contracts.keepsMemory,
      let main = resolution.memories.mainMemory, !main.users.contains(where: { $0.unit == symbol.unit }),
      let user = resolution.inLinkOrder.first(where: \.contracts.needsMainMemory)
    else { return }
    let owner = main.users.first { resolution.units[$0.unit].contracts.keepsMemory }
    let other = owner.map { "that of " + resolution.units[$0.unit].file.displayName } ?? "another one"
    diagnostics.error(
      "\(resolution.units[symbol.definer].file.displayName): brings the __stack_pointer of the program, but not the "
        + "memory that \(user.file.displayName) uses, which is \(other) (name the module with the memory env=FILE, or let "
        + "this one not show its __stack_pointer)", .memory, symbol: symbol.name,
      in: resolution.units[symbol.definer].file.displayName, user.file.displayName)
  }

  /// What libraries put at fixed addresses of the main memory must not be where the linker placed something.
  private func checkFixedData() {
    let fixed = fixedData.filter { $0.memory == resolution.memories.main && !$0.unit.contracts.keepsMemory }
    for data in fixed where data.start < data.end {
      if data.start >= max(plan.dataEnd, plan.stackPointer) { continue }
      let isStackPlaced = plan.stackPointer > 0
      if data.end <= (isStackPlaced ? min(plan.dataStart, plan.stackLow) : plan.dataStart) { continue }
      diagnostics.error(
        "\(data.unit.file.displayName): \(data.text) is where data or a stack was placed (its address does not depend on "
          + "__memory_base: link it with -shared and -fPIC)", .memory, in: data.unit.file.displayName)
    }
  }

  /// A segment beyond its memory makes the module fail to start; a memory that became larger must not hide that.
  private func checkBounds() {
    for (index, memory) in resolution.memories.memories.enumerated() {
      guard memory.definition != nil, let declared = memory.limits, plan.limits[index].minimum > declared.minimum else {
        continue
      }
      let (size, overflow) = declared.minimum.multipliedReportingOverflow(by: declared.pageSize)
      guard !overflow else { continue }
      for data in fixedData where data.memory == OutputMemoryIndex(index) && data.end > size {
        diagnostics.error(
          "\(data.unit.file.displayName): \(data.text) lies beyond its memory, which has \(size) bytes: it could not "
            + "start (let the memory have more pages)", .memory, in: data.unit.file.displayName)
        return
      }
    }
  }

  private var needsConstructorsFlag: Bool { own.startUp.runsOnce && live.hasConstructors }

  /// Words by which threads agree on who does something, and wait for it.
  private mutating func placeFlags() {
    guard options.sharedMemory else { return }
    func place(_ flag: WritableKeyPath<MemoryPlan, UInt64?>) {
      next = next.aligned(to: 4)
      plan[keyPath: flag] = next
      next &+= 4
    }
    if plan.segments.contains(where: { $0.isPassive }) { place(\.initMemoryFlag) }
    if start.needsFirstInstance { place(\.firstInstanceFlag) }
    if needsConstructorsFlag { place(\.constructorsFlag) }
  }

  /// Zero-initialised segments take no place in the file unless something forces them to, so they are numbered behind
  /// those that code may name.
  private mutating func orderSegments() {
    guard let first = plan.segments.firstIndex(where: \.isBSS), !plan.segments[first...].allSatisfy(\.isBSS) else {
      return
    }
    let order =
      plan.segments.indices.filter { !plan.segments[$0].isBSS }
      + plan.segments.indices.filter { plan.segments[$0].isBSS }
    var positions = [OutputSegmentIndex](repeating: OutputSegmentIndex(0), count: order.count)
    for (position, index) in order.enumerated() { positions[index] = OutputSegmentIndex(position) }
    plan.segments = order.map { plan.segments[$0] }
    plan.outputSegments.replaceAll { PackedIndex($0.index.map { positions[Int($0)] }) }
  }

  /// Whether anything has to be placed beside a plain module's own data.
  private var needsMemory: Bool {
    if options.sharedMemory, needsConstructorsFlag || start.needsFirstInstance { return true }
    if plan.segments.contains(where: { $0.size > 0 }) { return true }
    if let stack = resolution.wellKnown.stackPointer, resolution.needsStack,
      live.isLive(resolution.symbol(stack), stack)
    {
      return true
    }
    if let base = resolution.wellKnown.addresses[.heapBase] {
      // That all symbols are exported asks nothing of the linker's own.
      let symbol = resolution.symbol(base)
      if symbol.has(.usedInRegularUnit) || symbol.has(.forceExport) { return true }
    }
    return resolution.inLinkOrder.contains { unit in
      guard let block = unit.lifted?.memoryBlock.map({ Int($0.segment) }) else { return false }
      return live.segments[unit.bases.segment + block] && unit.segments[block].size > 0
    }
  }

  private mutating func placeStack() {
    guard options.contract.placesStack else { return }
    if let stack = resolution.wellKnown.stackPointer, resolution.keepsMemory,
      !resolution.needsStack || !live.isLive(resolution.symbol(stack), stack)
    {
      return
    }
    next = next.aligned(to: MemoryPass.stackAlignment)
    plan.stackLow = next
    if options.stackSize % MemoryPass.stackAlignment != 0 {
      diagnostics.error("stack size must be \(MemoryPass.stackAlignment)-byte aligned", .memory)
    }
    diagnostics.log("mem: stack size  = \(options.stackSize)")
    diagnostics.log("mem: stack base  = \(next)")
    next = next.saturatingSum(options.stackSize)
    plan.stackPointer = next
    diagnostics.log("mem: stack top   = \(next)")
  }

  private mutating func placeSegment(_ index: Int) {
    let segment = plan.segments[index]
    plan.alignment = max(plan.alignment, segment.alignment)
    next = next.aligned(to: 1 << UInt64(segment.alignment))
    plan.segments[index].address = next
    diagnostics.log("mem: \(segment.name) offset=\(next) size=\(segment.size) align=\(segment.alignment)")
    for piece in segment.pieces {
      plan.segmentAddresses[segmentBases[Int(piece.unit)] + piece.segment] = next &+ piece.offset
    }
    if options.contract.formsSegments, segment.flags.contains(.tls) {
      plan.tlsSize = segment.size
      plan.tlsAlignment = 1 << UInt64(segment.alignment)
      plan.tlsAddress = next
    }
    next = next.saturatingSum(segment.size)
  }

  /// Blocks of shared libraries, each with its pieces of data at their places.
  private mutating func placeBlocks() {
    for unit in resolution.inLinkOrder {
      guard let index = unit.lifted?.memoryBlock?.segment else { continue }
      let block = unit.segments[Int(index)]
      let id = unit.bases.segment + index.rawValue
      guard live.segments[id] else { continue }
      next = next.aligned(to: 1 << UInt64(block.alignment))
      plan.segmentAddresses[id] = next
      if options.contract.isObject {
        joinBlock(of: unit, index)
        continue
      }
      for (piece, segment) in unit.segments.enumerated() {
        guard case .inside(index, let offset) = segment.placement else { continue }
        placeFixed(unit, piece, at: next &+ offset, prefix: unit.file.baseName)
        plan.segments[plan.segments.count - 1].mayBeDivided = true
      }
      diagnostics.log("mem: \(unit.file.displayName) offset=\(next) size=\(block.size) align=\(block.alignment)")
      next = next.saturatingSum(block.size)
    }
  }

  /// A block with all of its pieces as one segment, which the next link places: what it computes from the block's first
  /// byte stays true.
  private mutating func joinBlock(of unit: Unit, _ index: SegmentIndex) {
    let block = unit.segments[Int(index)]
    let place = PackedIndex(OutputSegmentIndex(plan.segments.count))
    var output = OutputSegment(name: resolution.synthetic.names.intern("\(block.name).\(unit.file.baseName)"))
    (output.address, output.size, output.alignment) = (next, block.size, block.alignment)
    for (position, segment) in unit.segments.enumerated() {
      guard case .inside(index, let offset) = segment.placement else { continue }
      output.pieces.append(OutputSegment.Piece(unit: unit.index, segment: UInt32(position), offset: offset))
      plan.segmentAddresses[unit.bases.segment + position] = next &+ offset
      plan.outputSegments[unit.bases.segment + position] = place
    }
    output.pieces.sort { $0.offset < $1.offset }
    plan.outputSegments[unit.bases.segment + index.rawValue] = place
    plan.segments.append(output)
    next = next.saturatingSum(block.size)
  }

  private mutating func placeFixed(_ unit: Unit, _ index: Int, at address: UInt64, prefix: String?) {
    let segment = unit.segments[index]
    let id = unit.bases.segment + index
    plan.segmentAddresses[id] = address
    plan.outputSegments[id] = PackedIndex(OutputSegmentIndex(plan.segments.count))
    var output = OutputSegment(name: segment.name)
    if let prefix { output.name = resolution.synthetic.names.intern("\(prefix):\(segment.name)") }
    output.address = address
    output.size = segment.size
    output.pieces = [OutputSegment.Piece(unit: unit.index, segment: UInt32(index), offset: 0)]
    // Threads share it, and each of them instantiates the module: it is set up once, as data of objects is.
    output.isPassive = options.sharedMemory && unit.contracts.isSetUpByExports
    plan.segments.append(output)
  }

  /// Segments at fixed addresses, and those that keep their own way of saying where they go.
  private mutating func placeKeptSegments() {
    for unit in start.segments.units where unit.contracts.keepsPlaces {
      for (index, segment) in unit.segments.enumerated() {
        let id = unit.bases.segment + index
        guard live.segments[id] else { continue }
        switch segment.placement {
        case .absolute(let address) where isInMain(unit) && !start.segments.lateData.contains(id):
          placeFixed(unit, index, at: address, prefix: nil)
        case .absolute, .passive, .kept:
          if case .absolute(let address) = segment.placement, isInMain(unit) { plan.segmentAddresses[id] = address }
          plan.outputSegments[id] = PackedIndex(OutputSegmentIndex(plan.segments.count))
          var output = OutputSegment(name: segment.name)
          output.size = segment.size
          output.isPassive = segment.placement == .passive || start.segments.lateData.contains(id)
          output.kept = OutputSegment.Piece(unit: unit.index, segment: UInt32(index), offset: 0)
          plan.segments.append(output)
        case .free, .inside: break
        }
      }
    }
  }

  /// Whether absolute addresses of a finished module are addresses of the main memory.
  private func isInMain(_ unit: Unit) -> Bool {
    resolution.memories.index(of: unit.contracts.memoryOfFixedData, in: unit) == resolution.memories.main
  }
}
