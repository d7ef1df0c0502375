import WebAssemblyFormat

/// Where everything lies in memory.
struct MemoryPlan {
  /// Data segments of the result, in their order.
  var segments: [OutputSegment] = []
  /// Address of each input segment, numbered over all units; meaningless for those that are not live.
  var segmentAddresses: [UInt64] = []
  /// Index of the output segment of each input segment, `none32` for blocks and dead ones.
  var outputSegments: [UInt32] = []
  /// Initial and largest size of the memory, in pages.
  var pages: UInt64 = 0
  var maximumPages: UInt64?
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

  /// The address of data in an input segment.
  func address(segment: UInt32, offset: UInt64) -> UInt64 {
    let address = segmentAddresses[Int(segment)]
    guard address == MemoryPlan.mergedStrings else { return address &+ offset }
    let output = segments[Int(outputSegments[Int(segment)])]
    for run in output.strings where run.strings.contains(segment: segment) {
      return output.address &+ run.offset &+ run.strings.offset(of: offset, in: segment)
    }
    return offset
  }

  /// In place of the address of strings that were merged, each of which has its own.
  static let mergedStrings = UInt64.max
}

/// Forms the data segments of the result and gives everything its address.
///
/// Objects: input segments of one kind are joined in the order of the link, and the kinds follow each other as in
/// wasm-ld (thread-local, read-only, data, others, zero-initialised), with the stack before or behind them. A block of a
/// shared library follows as a whole. A plain module's data stays where it is, and everything else lies above it.
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
  private let segmentBases: [UInt32]
  private var plan = MemoryPlan()
  private var next: UInt64 = 0

  init(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ start: StartOrder, options: LinkOptions,
    diagnostics: Diagnostics, threads: Threads, is64: Bool
  ) {
    self.own = own
    self.start = start
    self.threads = threads
    segmentBases = resolution.units.map(\.bases.segment)
    self.resolution = resolution
    self.live = live
    self.options = options
    self.diagnostics = diagnostics
    self.is64 = is64
    plan.segmentAddresses = Array(repeating: 0, count: live.segments.count)
    plan.outputSegments = Array(repeating: none32, count: live.segments.count)
  }

  static let stackAlignment: UInt64 = 16
  static let heapAlignment: UInt64 = 16

  /// Runs the pass.
  consuming func run() -> MemoryPlan {
    formSegments()
    place()
    return plan
  }

  // MARK: Forming segments

  /// Joins the segments of one kind, in the order of the link.
  private mutating func formSegments() {
    let units = Array(resolution.inLinkOrder)
    let contributions = contributions(of: units)
    var formed: [FormedSegment] = []
    var byName: [ByteString: Int] = [:]
    for (position, contribution) in contributions.enumerated() {
      for run in contribution.runs {
        let output: Int
        if !run.isAlone, let found = byName[run.name] {
          output = found
        } else {
          output = formed.count
          formed.append(FormedSegment(result: makeSegment(run.name)))
          if !run.isAlone { byName[run.name] = output }
        }
        formed[output].add(run, ofUnitAt: position)
      }
    }
    let ranks = formed.map { rank($0.result.name) }
    let order = formed.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
    for (index, position) in order.enumerated() { finish(formed[position], index, units, contributions) }
  }

  private func contributions(of units: [Unit]) -> [SegmentContribution] {
    let (live, options) = (live.segments, options)
    return threads.map(units.count, batch: 8) { SegmentContribution(units[$0], live, options) }
  }

  private func makeSegment(_ name: ByteString) -> OutputSegment {
    var segment = OutputSegment(name: name)
    segment.isPassive = options.sharedMemory
    segment.isBSS = options.contract.formsSegments && name.hasPrefix(".bss")
    return segment
  }

  private func rank(_ name: ByteString) -> Int {
    if name.hasPrefix(".tdata") { return 0 }
    if name.hasPrefix(".rodata") { return 1 }
    if name.hasPrefix(".data") { return 2 }
    if name.hasPrefix(".bss") { return 4 }
    return 3
  }

  /// Gives the pieces of a segment their offsets; mergeable strings become one run where the first of them stands.
  private mutating func finish(
    _ formed: FormedSegment, _ index: Int, _ units: [Unit], _ contributions: [SegmentContribution]
  ) {
    var output = formed.result
    let merged = mergedStrings(of: formed, units, contributions)
    output.pieces.reserveCapacity(formed.count - formed.mergeableCount)
    for run in formed.runs {
      let unit = units[run.position].index
      let base = segmentBases[Int(unit)]
      for piece in contributions[run.position].pieces[run.pieces] {
        let id = Int(base + piece.segment)
        plan.outputSegments[id] = UInt32(index)
        guard !piece.isMergeable else {
          plan.segmentAddresses[id] = MemoryPlan.mergedStrings
          if output.strings.isEmpty, let merged {
            output.strings = [OutputSegment.MergedRun(offset: output.size, strings: merged, name: output.name)]
            output.size += UInt64(merged.bytes.count)
          }
          continue
        }
        output.size = align(output.size, 1 << UInt64(piece.alignment))
        output.pieces.append(OutputSegment.Piece(unit: unit, segment: piece.segment, offset: output.size))
        output.size &+= piece.size
      }
    }
    plan.segments.append(output)
  }

  private func mergedStrings(
    of formed: FormedSegment, _ units: [Unit], _ contributions: [SegmentContribution]
  ) -> MergedStrings? {
    guard formed.mergeableCount > 0 else { return nil }
    var strings: [(id: UInt32, bytes: UnsafeBufferPointer<UInt8>)] = []
    strings.reserveCapacity(formed.mergeableCount)
    for run in formed.runs {
      let unit = units[run.position]
      let (segments, base) = (unit.segments, unit.bases.segment)
      for piece in contributions[run.position].pieces[run.pieces] where piece.isMergeable {
        let segment = segments[Int(piece.segment)]
        if segment.bytes[segment.count - 1] != 0 {
          diagnostics.error("\(unit.file.displayName):(\(segment.name)): string is not null terminated")
        }
        strings.append((base + piece.segment, UnsafeBufferPointer(start: segment.bytes, count: segment.count)))
      }
    }
    return MergedStrings(strings, threads)
  }

  // MARK: Placing

  private mutating func place() {
    let end = plainMemoryEnd()
    next = end ?? 0
    let ownsStack = resolution.wellKnown.stackPointer == nil
    if options.stackFirst {
      if !ownsStack { placeStack() }
      if let base = options.globalBase {
        if base < next {
          diagnostics.error("--global-base cannot be less than stack size when --stack-first is used")
          return
        }
        next = base
      }
    } else {
      next = max(next, options.globalBase ?? 0)
    }
    plan.dataStart = next
    diagnostics.log("mem: global base = \(next)")
    for index in plan.segments.indices { placeSegment(index) }
    placeBlocks()
    plan.placeThreadLocalBlocks(resolution, own, live, options, diagnostics)
    placeFlags()
    plan.dataEnd = next
    diagnostics.log("mem: static data = \(next &- plan.dataStart)")
    if !options.stackFirst, !ownsStack { placeStack() }
    plan.heapBase = align(next, MemoryPass.heapAlignment)
    if keepsMemory, next == end { plan.heapBase = end ?? 0 }
    next = plan.heapBase
    placeKeptSegments()
    orderSegments()
    setSize()
  }

  /// Words by which threads agree on who does something, and wait for it.
  private mutating func placeFlags() {
    guard options.sharedMemory else { return }
    func place(_ flag: WritableKeyPath<MemoryPlan, UInt64?>) {
      next = align(next, 4)
      plan[keyPath: flag] = next
      next &+= 4
    }
    if plan.segments.contains(where: { $0.isPassive }) { place(\.initMemoryFlag) }
    if start.needsFirstInstance { place(\.firstInstanceFlag) }
    if own.startUp.runsOnce, live.hasConstructors { place(\.constructorsFlag) }
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
    var positions = [UInt32](repeating: 0, count: order.count)
    for (position, index) in order.enumerated() { positions[index] = UInt32(position) }
    plan.segments = order.map { plan.segments[$0] }
    for index in plan.outputSegments.indices where plan.outputSegments[index] != none32 {
      plan.outputSegments[index] = positions[Int(plan.outputSegments[index])]
    }
  }

  private var keepsMemory: Bool { resolution.units.contains(where: \.contracts.keepsMemory) }

  /// Where the memory of the plain module that owns the first memory ends, if there is one.
  private mutating func plainMemoryEnd() -> UInt64? {
    guard let unit = resolution.memoryOwner else { return nil }
    if let base = options.heapBase { return base }
    guard let facts = unit.lifted else { return nil }
    let sharedEnd = resolution.sharedDataEnd
    if let base = facts.heapBase { return max(base, sharedEnd) }
    let end = max(facts.staticDataEnd, sharedEnd)
    let importsBase = unit.globalImports.contains { $0.module == "env" && $0.name == "__heap_base" }
    if importsBase || unit.memories.isEmpty && unit.memoryImports.isEmpty { return end }
    if needsMemory {
      diagnostics.error(
        "\(unit.file.displayName): does not say where its static memory ends, but data or a stack has to be placed "
          + "there (define an immutable global named __heap_base, or pass --heap-base=ADDRESS)")
    }
    return end
  }

  /// Whether anything has to be placed beside a plain module's own data.
  private var needsMemory: Bool {
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
      guard let facts = unit.lifted, facts.memoryBlock != none32 else { return false }
      let block = Int(facts.memoryBlock)
      return live.segments[Int(unit.bases.segment) + block] && unit.segments[block].size > 0
    }
  }

  private mutating func placeStack() {
    guard options.contract.placesStack else { return }
    if let stack = resolution.wellKnown.stackPointer, keepsMemory,
      !resolution.needsStack || !live.isLive(resolution.symbol(stack), stack)
    {
      return
    }
    next = align(next, MemoryPass.stackAlignment)
    plan.stackLow = next
    if options.stackSize % MemoryPass.stackAlignment != 0 {
      diagnostics.error("stack size must be \(MemoryPass.stackAlignment)-byte aligned")
    }
    diagnostics.log("mem: stack size  = \(options.stackSize)")
    diagnostics.log("mem: stack base  = \(next)")
    next = add(next, options.stackSize)
    plan.stackPointer = next
    diagnostics.log("mem: stack top   = \(next)")
  }

  private mutating func placeSegment(_ index: Int) {
    let segment = plan.segments[index]
    plan.alignment = max(plan.alignment, segment.alignment)
    next = align(next, 1 << UInt64(segment.alignment))
    plan.segments[index].address = next
    diagnostics.log("mem: \(segment.name) offset=\(next) size=\(segment.size) align=\(segment.alignment)")
    for piece in segment.pieces {
      plan.segmentAddresses[Int(segmentBases[Int(piece.unit)] + piece.segment)] = next &+ piece.offset
    }
    if options.contract.formsSegments, segment.flags.contains(.tls) {
      plan.tlsSize = segment.size
      plan.tlsAlignment = 1 << UInt64(segment.alignment)
      plan.tlsAddress = next
    }
    next = add(next, segment.size)
  }

  /// Blocks of shared libraries, each with its pieces of data at their places.
  private mutating func placeBlocks() {
    for unit in resolution.inLinkOrder {
      guard let facts = unit.lifted, facts.memoryBlock != none32 else { continue }
      let block = unit.segments[Int(facts.memoryBlock)]
      let id = Int(unit.bases.segment + facts.memoryBlock)
      guard live.segments[id] else { continue }
      next = align(next, 1 << UInt64(block.alignment))
      plan.segmentAddresses[id] = next
      for (index, segment) in unit.segments.enumerated() {
        guard case .inside(facts.memoryBlock, let offset) = segment.placement else { continue }
        placeFixed(unit, index, at: next &+ offset, prefix: unit.file.baseName)
      }
      diagnostics.log("mem: \(unit.file.displayName) offset=\(next) size=\(block.size) align=\(block.alignment)")
      next = add(next, block.size)
    }
  }

  private mutating func placeFixed(_ unit: Unit, _ index: Int, at address: UInt64, prefix: String?) {
    let segment = unit.segments[index]
    let id = Int(unit.bases.segment) + index
    plan.segmentAddresses[id] = address
    plan.outputSegments[id] = UInt32(plan.segments.count)
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
    for unit in resolution.inLinkOrder where unit.contracts.keepsPlaces {
      for (index, segment) in unit.segments.enumerated() {
        let id = Int(unit.bases.segment) + index
        guard live.segments[id] else { continue }
        switch segment.placement {
        case .absolute(let address) where unit.ownsFirstMemory(in: resolution):
          placeFixed(unit, index, at: address, prefix: nil)
        case .absolute, .passive, .kept:
          plan.outputSegments[id] = UInt32(plan.segments.count)
          var output = OutputSegment(name: segment.name)
          output.size = segment.size
          output.isPassive = segment.placement == .passive
          output.kept = OutputSegment.Piece(unit: unit.index, segment: UInt32(index), offset: 0)
          plan.segments.append(output)
        case .free, .inside: break
        }
      }
    }
  }

  // MARK: Size

  private mutating func setSize() {
    let limit: UInt64 = is64 ? 1 << 34 : 1 << 32
    let page = options.pageSize
    var size = next
    if let unit = resolution.memoryOwner, let declared = unit.firstMemoryLimits {
      let declaredPage: UInt64 = 1 << UInt64(declared.pageSizeLog2 ?? 16)
      let minimum = max(declared.minimum, resolution.sharedMemoryMinimum)
      let room = minimum.multipliedReportingOverflow(by: declaredPage)
      let bytes = room.overflow ? limit : room.partialValue
      let moved = next &- min(next, unit.lifted?.heapBase ?? unit.lifted?.staticDataEnd ?? next)
      // What was free above the module's own data stays free above everything.
      size = max(size, add(bytes, moved > 0 ? align(moved, declaredPage) : 0))
    }
    if size > limit {
      diagnostics.error("memory of \(size) bytes is needed, but only \(limit) bytes can be addressed")
      return
    }
    if let heap = options.initialHeap {
      if heap % page != 0 { diagnostics.error("initial heap must be \(page)-byte aligned") }
      if heap > limit - size {
        diagnostics.error("initial heap too large, cannot be greater than \(limit - size)")
        return
      }
      size += heap
    }
    if let initial = options.initialMemory {
      if initial % page != 0 { diagnostics.error("initial memory must be \(page)-byte aligned") }
      if size > initial { diagnostics.error("initial memory too small, \(size) bytes needed") }
      if initial > limit { diagnostics.error("initial memory too large, cannot be greater than \(limit)") }
      size = initial
    }
    size = align(size, page)
    plan.pages = size / page
    plan.heapEnd = size
    diagnostics.log("mem: total pages = \(plan.pages)")
    setMaximum(size, limit: limit, page: page)
  }

  private mutating func setMaximum(_ size: UInt64, limit: UInt64, page: UInt64) {
    if let maximum = options.maximumMemory {
      if maximum % page != 0 { diagnostics.error("maximum memory must be \(page)-byte aligned") }
      if size > maximum { diagnostics.error("maximum memory too small, \(size) bytes needed") }
      if maximum > limit { diagnostics.error("maximum memory too large, cannot be greater than \(limit)") }
      plan.maximumPages = maximum / page
    } else if options.noGrowableMemory {
      plan.maximumPages = size / page
    } else if options.sharedMemory {
      plan.maximumPages = (options.isPositionIndependent ? limit : size) / page
    } else if let owner = resolution.memoryOwner, let maximum = owner.firstMemoryLimits?.maximum {
      if !owner.memoryImports.isEmpty, maximum < plan.pages {
        diagnostics.error(
          "\(owner.file.displayName): imports a memory of at most \(maximum) pages, but \(plan.pages) are needed "
            + "(the host has to provide a larger memory)")
      }
      // The module's maximum rises as far as what was added needs it to.
      plan.maximumPages = max(maximum, plan.pages)
    }
  }

  private func align(_ value: UInt64, _ alignment: UInt64) -> UInt64 {
    let (sum, overflow) = value.addingReportingOverflow(alignment - 1)
    return overflow ? ~(alignment - 1) : sum & ~(alignment - 1)
  }

  /// Addresses saturate: whatever is too large is reported when the size is set.
  private func add(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let (sum, overflow) = one.addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
