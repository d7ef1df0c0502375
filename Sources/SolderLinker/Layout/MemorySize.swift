import WebAssemblyFormat

// How large the memories of the result are.
//
// A module's memory that nothing is placed in is as large as the module says. The main memory grows by what is placed:
// what was heap above a module's own data stays as large as it was, if the memory may become that large. Where it may
// not (the type of the import, a maximum that another module imports it with, an option, the addresses there are), the
// heap is what is left, and only what does not fit at all is an error. Of a memory of the host no more is asked for than
// what has to be in it.
struct MemorySize {
  private let memories: MemoryBinding
  private let units: [Unit]
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let is64: Bool

  init(_ resolution: Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics, is64: Bool) {
    memories = resolution.memories
    units = resolution.units
    self.options = options
    self.diagnostics = diagnostics
    self.is64 = is64
  }

  /// - Parameters:
  ///   - placedEnd: one past the last byte that the linker placed, 0 if it placed nothing.
  ///   - moved: by how much the heap was moved.
  /// - Returns: the limits of each memory of the result, and where the main memory ends at first.
  func of(placedEnd: UInt64, moved: UInt64) -> (limits: [Limits], heapEnd: UInt64) {
    var limits = memories.memories.map { $0.limits ?? Limits() }
    guard let main = memories.main else { return (limits, 0) }
    let declared = declaredLimits(memories.memories[Int(main)])
    limits[Int(main)] = declared
    guard let size = size(of: memories.memories[Int(main)], declared, placedEnd, moved) else { return (limits, 0) }
    diagnostics.log("mem: total pages = \(size / declared.pageSize)")
    limits[Int(main)].minimum = max(declared.minimum, size / declared.pageSize)
    limits[Int(main)].maximum = maximum(of: declared, size, memories.memories[Int(main)])
    return (limits, size)
  }

  /// What is declared of the main memory, with the address width and the pages that it will have.
  private func declaredLimits(_ memory: BoundMemory) -> Limits {
    var limits = memory.limits ?? Limits(is64: is64)
    limits.isShared = options.sharedMemory || limits.isShared
    let pageSize: UInt64 = 1 << 16
    guard options.pageSize != pageSize else { return limits }
    if memory.limits == nil {
      limits.pageSizeLog2 = UInt32(options.pageSize.trailingZeroBitCount)
    } else if limits.pageSize != options.pageSize {
      diagnostics.error(
        "--page-size=\(options.pageSize) is not the page size of the memory of \(name(of: memory)), \(limits.memoryText)",
        .memory)
    }
    return limits
  }

  // MARK: Initial size

  /// An end that a memory must not go beyond, and why.
  private struct Bound {
    var bytes: UInt64
    var report: (UInt64) -> String
  }

  /// The largest number of pages that a type allows.
  private struct Maximum {
    var pages: UInt64
    /// Who says so.
    var says: String
    var wayOut: String

    init(_ pages: UInt64, _ says: String, wayOut: String) {
      self.pages = pages
      self.says = "\(says) a memory of at most \(pages) pages"
      self.wayOut = wayOut
    }

    func bytes(_ page: UInt64) -> UInt64 { pages.saturatingProduct(page) }
  }

  private func size(of memory: BoundMemory, _ declared: Limits, _ placedEnd: UInt64, _ moved: UInt64) -> UInt64? {
    let page = declared.pageSize
    let bounds = bounds(of: memory, declared)
    let bound = bounds.map(\.bytes).min() ?? .max
    let declaredSize = declared.minimum.saturatingProduct(page)
    let needed = max(declaredSize, placedEnd.aligned(to: page))
    // What can be given to the heap without asking for more than there may be.
    let wanted = placedEnd == 0 || memory.isImported ? needed : declaredSize.saturatingSum(moved.aligned(to: page))
    var size = max(needed, min(wanted, bound & ~(page - 1)))
    if memory.limits == nil { size = placedEnd }
    func isWithinBounds(_ size: UInt64) -> Bool {
      guard let broken = bounds.first(where: { size > $0.bytes }) else { return true }
      diagnostics.error(broken.report(size), .memory)
      return false
    }
    guard isWithinBounds(size),
      let asked = applyOptions(to: size, smallest: memory.limits == nil ? size : needed, declared)
    else { return nil }
    // What options may ask of the linker's own memory is told there.
    return memory.limits == nil || isWithinBounds(asked) ? asked : nil
  }

  /// What the largest size of the main memory follows from, the strictest reason last.
  private func bounds(of memory: BoundMemory, _ declared: Limits) -> [Bound] {
    let page = declared.pageSize
    let limit = addressLimit(declared, memory)
    let isDeclared = memory.limits != nil && declared.minimum.saturatingProduct(page) > limit
    let place = isDeclared ? "\(name(of: memory)): " : ""
    return [
      Bound(bytes: limit) { "\(place)memory of \($0) bytes is needed, but only \(limit) bytes can be addressed" }
    ]
      + maxima(of: memory).map { maximum in
        Bound(bytes: maximum.bytes(page)) { size in
          "\(maximum.says), but \(pages(size, page)) are needed (\(maximum.wayOut))"
        }
      }
  }

  /// What types say that the main memory is at most.
  private func maxima(of memory: BoundMemory) -> [Maximum] {
    var maxima: [Maximum] = []
    if memory.isImported, let maximum = memory.limits?.maximum {
      maxima.append(
        Maximum(
          maximum,
          "\(memory.owner(among: units) { $0.maximum == maximum }): \(memory.definition == nil ? "imports" : "has")",
          wayOut: "the host has to provide a larger memory"))
    }
    if let maximum = memory.largestForImporters {
      let name = memory.importer(among: units) { $0.maximum == maximum }
      maxima.append(Maximum(maximum, "\(name): imports", wayOut: "let the import have a larger maximum"))
    }
    return maxima
  }

  private func name(of memory: BoundMemory) -> String { memory.owner(among: units) { $0 == memory.limits } }

  private func pages(_ size: UInt64, _ page: UInt64) -> UInt64 { size.aligned(to: page) / page }

  /// How many bytes there are addresses for. wasm-ld has a limit of its own where there are 64 bits.
  private func addressLimit(_ declared: Limits, _ memory: BoundMemory) -> UInt64 {
    if declared.is64, memory.limits != nil { return .max }
    return largestSize(declared)
  }

  /// How large wasm-ld lets a memory be. With pages of one byte, all there are addresses for is more pages than can be told.
  private func largestSize(_ declared: Limits) -> UInt64 {
    if declared.is64 { return 1 << 34 }
    return declared.pageSize == 1 ? (1 << 32) - 1 : 1 << 32
  }

  /// What is too large is an error, and what it would come to is compared all the same, with what wraps around: wasm-ld
  /// does so.
  ///
  /// - Parameter smallest: what is there in any case: the heap may be smaller than `size` gives it.
  private func applyOptions(to size: UInt64, smallest: UInt64, _ declared: Limits) -> UInt64? {
    let page = declared.pageSize
    let limit = largestSize(declared)
    var size = size
    if let heap = options.initialHeap {
      if heap % page != 0 { reportUnaligned("initial heap", page) }
      if heap > limit - min(limit, size) {
        diagnostics.error("initial heap too large, cannot be greater than \(limit - min(limit, size))", .memory)
      }
      size &+= heap
    }
    // A heap that was asked for is given; the rest of it is what there is room for.
    let required = options.initialHeap == nil ? smallest : size
    if let initial = options.initialMemory {
      if initial % page != 0 { reportUnaligned("initial memory", page) }
      if required > initial { diagnostics.error("initial memory too small, \(required) bytes needed", .memory) }
      if initial > limit { diagnostics.error("initial memory too large, cannot be greater than \(limit)", .memory) }
      size = initial
    }
    if let maximum = options.maximumMemory, options.initialMemory == nil { size = min(size, max(required, maximum)) }
    return (size &+ (page - 1)) & ~(page - 1)
  }

  private func reportUnaligned(_ what: String, _ page: UInt64) {
    diagnostics.error(
      options.compatibility.namesPageSize
        ? "\(what) must be aligned to the page size (\(page) bytes)" : "\(what) must be \(page)-byte aligned", .memory)
  }

  // MARK: Largest size

  private func maximum(of declared: Limits, _ size: UInt64, _ memory: BoundMemory) -> UInt64? {
    let page = declared.pageSize
    let limit = largestSize(declared)
    if let maximum = options.maximumMemory {
      if maximum % page != 0 { reportUnaligned("maximum memory", page) }
      if size > maximum { diagnostics.error("maximum memory too small, \(size) bytes needed", .memory) }
      if maximum > limit { diagnostics.error("maximum memory too large, cannot be greater than \(limit)", .memory) }
      if let broken = maxima(of: memory).first(where: { maximum > $0.bytes(page) }) {
        diagnostics.error("\(broken.says), which --max-memory=\(maximum) is more than", .memory)
      }
      return maximum / page
    }
    // As wasm-ld has it, a memory without a page may grow; a shared one has a maximum in any case.
    if options.noGrowableMemory, size > 0 { return size / page }
    // The module's maximum rises as far as what was added needs it to.
    if let maximum = declared.maximum { return memory.isImported ? maximum : max(maximum, size / page) }
    if options.sharedMemory { return (options.isPositionIndependent ? limit : size) / page }
    return nil
  }
}

extension BoundMemory {
  /// For messages: who defines it, or else the first import of it that says something.
  func owner(among units: [Unit], where says: (Limits) -> Bool) -> String {
    definition.map { units[$0.unit].file.displayName } ?? importer(among: units, where: says)
  }

  /// For messages: the first import of it that says something, or else the first of all.
  func importer(among units: [Unit], where says: (Limits) -> Bool) -> String {
    let importers = users.filter { $0 != definition }
    let first = importers.first { says(units[$0.unit].module.memoryLimits($0.index)) } ?? importers.first
    return first.map { units[$0.unit].file.displayName } ?? "<internal>"
  }
}
