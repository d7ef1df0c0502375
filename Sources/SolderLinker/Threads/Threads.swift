import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How many threads a link may use, and running loops on them.
///
/// Iterations are handed out in small runs from one counter; what an iteration computes must depend on nothing but its
/// index, so that the result is the same for any number of threads.
struct Threads: Sendable {
  let count: Int
  private let pool = ThreadPool()

  /// What may be asked for on any machine. More than this, and four times as many as there are processors, only wait for each
  /// other.
  private static let most = 64

  /// As many threads as processors, unless told otherwise.
  init(_ count: Int?) {
    let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    self.count = min(max(1, count ?? processors), max(Threads.most, 4 * processors))
  }

  /// Calls `body` with each of `0..<iterations`, in any order and on any thread.
  ///
  /// - Parameter batch: how many neighbouring iterations a thread takes at a time.
  func forEach(_ iterations: Int, batch: Int = 1, _ body: @Sendable (Int) -> Void) {
    let helpers = min(count, (iterations + batch - 1) / batch) - 1
    guard helpers > 0 else {
      for index in 0..<iterations { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let loop = Loop(iterations: iterations, batch: batch, body: body)
      let job = pool.offer(to: helpers, loop.run)
      loop.run()
      pool.finish(job)
    }
  }

  /// Lets up to `count` threads call `work`, beside the caller; they may be late.
  ///
  /// - Returns: what ends this: no thread calls `work` any more, and none is in it.
  func start(_ count: Int, _ work: @escaping @Sendable () -> Void) -> () -> Void {
    let job = pool.offer(to: min(count, self.count - 1), work)
    return { [pool] in pool.finish(job) }
  }

  /// Calls `body` on the calling thread, and `work` on all others and then on the calling thread too.
  ///
  /// - Parameter work: takes what there is to do piece by piece, until nothing is left.
  /// - Returns: what `body` returned, when everybody has ended.
  func run<R>(_ body: () -> R, meanwhile work: @Sendable () -> Void) -> R {
    withoutActuallyEscaping(work) { work in
      let job = pool.offer(to: count - 1, work)
      let result = body()
      work()
      pool.finish(job)
      return result
    }
  }

  /// The results of `body` for each of `0..<iterations`, computed in any order and on any thread.
  func map<Element>(_ iterations: Int, batch: Int = 1, _ body: @Sendable (Int) -> Element) -> [Element] {
    unsafe Array(unsafeUninitializedCapacity: iterations) { buffer, count in
      // Every element is initialised once, by the iteration of its index.
      nonisolated(unsafe) let buffer = unsafe buffer
      forEach(iterations, batch: batch) { unsafe buffer.initializeElement(at: $0, to: body($0)) }
      count = iterations
    }
  }

  /// The elements of all parts, one part behind the other.
  func joined<Element>(_ parts: [[Element]]) -> [Element] {
    var starts: [Int] = []
    starts.reserveCapacity(parts.count)
    var total = 0
    for part in parts {
      starts.append(total)
      total += part.count
    }
    return unsafe Array(unsafeUninitializedCapacity: total) { [starts] buffer, count in
      // Every part has elements of its own, and together they are all.
      nonisolated(unsafe) let (buffer, parts) = unsafe (buffer, parts)
      unsafe forEach(parts.count) { index in
        _ = unsafe buffer[starts[index]..<starts[index] + parts[index].count].initialize(fromContentsOf: parts[index])
      }
      count = total
    }
  }

  /// The state that the threads of one loop share.
  private final class Loop: Sendable {
    private let next = Atomic<Int>(0)
    private let iterations: Int
    private let batch: Int
    private let body: @Sendable (Int) -> Void

    init(iterations: Int, batch: Int, body: @escaping @Sendable (Int) -> Void) {
      self.iterations = iterations
      self.batch = batch
      self.body = body
    }

    func run() {
      while true {
        let start = next.add(batch, ordering: .relaxed).oldValue
        if start >= iterations { return }
        for index in start..<min(start + batch, iterations) { body(index) }
      }
    }
  }
}

/// A buffer whose elements several threads fill, each its own.
///
/// The parallel loops write results by index. Two iterations never touch the same element; that is what makes the
/// unchecked sharing safe. All elements are initialised, every index is compared with their number, and what frees the
/// buffer consumes it.
@safe
struct ParallelBuffer<Element>: @unchecked Sendable {
  private let elements: UnsafeMutableBufferPointer<Element>

  init(repeating value: Element, count: Int) {
    unsafe elements = .allocate(capacity: count)
    unsafe elements.initialize(repeating: value)
  }

  subscript(index: Int) -> Element {
    get {
      unsafe precondition(index >= 0 && index < elements.count)
      return unsafe elements[index]
    }
    nonmutating set {
      unsafe precondition(index >= 0 && index < elements.count)
      unsafe elements[index] = newValue
    }
  }

  /// Frees the buffer.
  consuming func deallocate() {
    unsafe elements.deinitialize()
    unsafe elements.deallocate()
  }

  /// Takes the elements out and frees the buffer.
  consuming func take() -> [Element] {
    let result = unsafe Array(elements)
    unsafe elements.deinitialize()
    unsafe elements.deallocate()
    return result
  }
}

extension Threads {
  /// Works on the members of several rows, run by run; the runs of all are one row of tasks, so that many short rows occupy
  /// all threads as one long one does.
  ///
  /// - Parameters:
  ///   - counts: how long each row is.
  ///   - length: how many members a run has.
  /// - Returns: for each row what its runs gave, in order.
  func mapRuns<R: Sendable>(
    of counts: [Int], length: Int, _ body: @Sendable (_ row: Int, _ run: Range<Int>) -> R
  ) -> [ArraySlice<R>] {
    var runs: [(row: Int, range: Range<Int>)] = []
    var ends: [Int] = []
    for (row, count) in counts.enumerated() {
      for start in stride(from: 0, to: count, by: length) { runs.append((row, start..<min(start + length, count))) }
      ends.append(runs.count)
    }
    let results = map(runs.count) { [runs] in body(runs[$0].row, runs[$0].range) }
    return ends.indices.map { results[($0 > 0 ? ends[$0 - 1] : 0)..<ends[$0]] }
  }
}
