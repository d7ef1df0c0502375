import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The result, laid out to the last byte but not yet written: a row of regions, each with a task that fills it.
///
/// Threads fill a chunk of neighbouring regions at a time in a scratch buffer that stays in the processor's cache, and
/// hand it to the system with one call. Against filling one large buffer and writing that, or filling a mapped file, this
/// saves a page fault for every four kilobytes, which costs as much as everything else about them, and the memory.
struct OutputImage: Sendable {
  /// A stretch of the result, and what fills it.
  struct Region: Sendable {
    var range: Range<Int>
    var fill: @Sendable (OutputWindow) -> Void
  }

  /// Size in bytes.
  let count: Int
  /// Regions of neighbouring chunks, in order.
  private let chunks: [[Region]]
  private let threads: Threads
  /// What goes wrong while it is filled; then there is no result.
  let errors: InternalErrors

  /// - Parameters:
  ///   - regions: in any order; together they cover `0..<count`, and none overlaps another.
  ///   - errors: where those who fill the regions report.
  init(
    count: Int, regions: [Region], threads: Threads, errors: InternalErrors = InternalErrors(), chunkSize: Int = 1 << 18
  ) {
    self.count = count
    self.threads = threads
    self.errors = errors
    var chunks: [[Region]] = []
    var chunk: [Region] = []
    var start = 0
    var end = 0
    for region in regions.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) where !region.range.isEmpty {
      if region.range.lowerBound != end { errors.report("regions of the result leave a gap or overlap at \(end)") }
      end = region.range.upperBound
      chunk.append(region)
      if end - start >= chunkSize {
        chunks.append(chunk)
        chunk = []
        start = end
      }
    }
    if end != count { errors.report("regions of the result end at \(end) and not at \(count)") }
    if !chunk.isEmpty { chunks.append(chunk) }
    self.chunks = chunks
  }

  /// An image of bytes that exist.
  init(_ bytes: [UInt8], errors: InternalErrors = InternalErrors()) {
    let regionSize = 1 << 18
    let regions = stride(from: 0, to: bytes.count, by: regionSize).map { start in
      let range = start..<min(start + regionSize, bytes.count)
      return Region(range: range) { $0.write(bytes[range], at: start) }
    }
    self.init(count: bytes.count, regions: regions, threads: Threads(1), errors: errors)
  }

  /// How many chunks the result is written in.
  var chunkCount: Int { chunks.count }

  /// The bytes, in memory.
  ///
  /// - Throws: an error of input and output when there is no result, and ``errors`` say why.
  func bytes() throws(Errno) -> [UInt8] {
    let bytes = filled()
    guard errors.isEmpty else { throw .ioError }
    return bytes
  }

  /// The bytes, in memory, which do not matter if there are ``errors``.
  func filled() -> [UInt8] {
    guard errors.isEmpty else { return [] }
    return unsafe Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      if let start = buffer.baseAddress {
        let window = unsafe OutputWindow(start, 0..<count, errors)
        threads.forEach(chunks.count) { index in
          for region in chunks[index] { region.fill(window) }
        }
      }
      initialized = count
    }
  }

  /// Writes the bytes to a file, from its beginning.
  ///
  /// - Throws: what the system says, or an error of input and output when there is no result, and ``errors`` say why.
  func write(to descriptor: Int32) throws(Errno) {
    guard errors.isEmpty else { throw .ioError }
    let failure = Atomic<Int32>(0)
    let buffers = ScratchBuffers()
    threads.forEach(chunks.count) { index in
      let chunk = chunks[index]
      guard failure.load(ordering: .relaxed) == 0, let first = chunk.first, let last = chunk.last else { return }
      let range = first.range.lowerBound..<last.range.upperBound
      let scratch = buffers.take(range.count)
      let window = unsafe OutputWindow(scratch.start, range, errors)
      for region in chunk { region.fill(window) }
      let status = unsafe OutputImage.write(scratch.start, range, to: descriptor)
      buffers.giveBack(scratch)
      if status != 0 { failure.store(status, ordering: .relaxed) }
    }
    let status = failure.load(ordering: .relaxed)
    if status != 0 { throw Errno(rawValue: status) }
    guard errors.isEmpty else { throw .ioError }
  }

  /// - Returns: 0, or the error's number.
  private static func write(_ start: UnsafeMutablePointer<UInt8>, _ range: Range<Int>, to descriptor: Int32) -> Int32 {
    var written = 0
    while written < range.count {
      let count = unsafe pwrite(descriptor, start + written, range.count - written, off_t(range.lowerBound + written))
      if count > 0 {
        written += count
      } else if count == 0 {
        // A device that takes nothing and has no complaint would never be done.
        return EIO
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}

/// Memory for a stretch of the result, addressed by offsets in the result.
///
/// Whoever fills a region gets room for its bytes from here and writes nowhere else, see ``OutputRoom``. Threads that share
/// a window fill different regions, and the memory stays until all of them are filled.
@safe
struct OutputWindow: @unchecked Sendable {
  private let start: UnsafeMutablePointer<UInt8>
  private let range: Range<Int>
  private let errors: InternalErrors

  /// - Parameter start: `range.count` writable bytes.
  init(_ start: UnsafeMutablePointer<UInt8>, _ range: Range<Int>, _ errors: InternalErrors) {
    unsafe self.start = unsafe start
    self.range = range
    self.errors = errors
  }

  /// Room for `count` bytes at `offset` in the result; for none, where the window does not have them.
  func room(at offset: Int, count: Int) -> OutputRoom {
    unsafe OutputRoom(start, count: range.count).part(at: offset &- range.lowerBound, count: count)
  }

  /// Copies bytes to `offset` in the result.
  func write(_ bytes: [UInt8], at offset: Int) { write(bytes[...], at: offset) }

  /// Copies bytes to `offset` in the result.
  func write(_ bytes: ArraySlice<UInt8>, at offset: Int) {
    if !room(at: offset, count: bytes.count).copy(bytes, to: 0) {
      errors.report("\(bytes.count) bytes at \(offset) of the result have no room")
    }
  }
}

/// Buffers that threads take in turn, so that their pages are faulted in once.
private final class ScratchBuffers: Sendable {
  /// `count` bytes from `start` on, which one thread at a time has.
  @safe
  struct Buffer: @unchecked Sendable {
    let start: UnsafeMutablePointer<UInt8>
    let count: Int
  }

  private let free = Locked<[Buffer]>([])

  /// A buffer of at least `count` bytes, for one thread until it gives it back.
  func take(_ count: Int) -> Buffer {
    if let buffer = free.withLock({ $0.popLast() }) {
      if buffer.count >= count { return buffer }
      unsafe buffer.start.deallocate()
    }
    // Chunks differ in size by less than a region, mostly.
    let capacity = count + count / 2
    return unsafe Buffer(start: .allocate(capacity: capacity), count: capacity)
  }

  func giveBack(_ buffer: Buffer) { free.withLock { $0.append(buffer) } }

  deinit {
    for buffer in free.withLock({ $0 }) { unsafe buffer.start.deallocate() }
  }
}
