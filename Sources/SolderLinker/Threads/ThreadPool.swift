import CPlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// Threads that wait for work.
//
// A link has some twenty parallel loops, each of a few milliseconds. Threads started for each loop are late: a system
// puts a new thread beside the one that starts it, and may take milliseconds to see that another processor has nothing
// to do, while waking a thread that sleeps finds an idle processor at once. So threads stay from loop to loop.

/// The threads of a link, beside the one that runs it.
///
/// Started when first needed. They end when the pool is let go of; nobody waits for that.
final class ThreadPool: Sendable {
  /// Something that several threads can work on, each until nothing is left to begin.
  final class Job: @unchecked Sendable {
    fileprivate let work: @Sendable () -> Void
    // Both only under the pool's lock.
    /// How many more threads may join, and how many work on it.
    fileprivate var wanted: Int
    fileprivate var active = 0

    fileprivate init(_ work: @escaping @Sendable () -> Void, wanted: Int) {
      self.work = work
      self.wanted = wanted
    }
  }

  private let state = State()

  deinit { state.end() }

  /// Lets up to `count` threads call `work`.
  ///
  /// - Returns: what must be given to ``finish(_:)``.
  func offer(to count: Int, _ work: @escaping @Sendable () -> Void) -> Job {
    let job = Job(work, wanted: count)
    state.offer(job)
    return job
  }

  /// Lets no more threads begin with a job, and waits for those that have.
  func finish(_ job: Job) { state.finish(job) }

  /// What the threads share. They hold on to it, and not to the pool, whose end they would never see.
  private final class State: @unchecked Sendable {
    private let lock = Lock()
    private let offered = Condition()
    private let finished = Condition()
    // All only under the lock.
    private var jobs: [Job] = []
    private var threadCount = 0
    private var hasEnded = false

    func offer(_ job: Job) {
      let wanted = job.wanted
      startThreads(wanted)
      lock.locked { jobs.append(job) }
      // Not before: a thread that wakes wants the lock.
      for _ in 0..<wanted { offered.signal() }
    }

    func finish(_ job: Job) {
      lock.locked {
        jobs.removeAll { $0 === job }
        while job.active > 0 { lock.wait(for: finished) }
      }
    }

    func end() {
      lock.locked { hasEnded = true }
      offered.broadcast()
    }

    /// What each thread does.
    private func work() {
      prepareHeapOfThread()
      lock.locked {
        while !hasEnded {
          guard let job = jobs.first(where: { $0.wanted > 0 }) else {
            lock.wait(for: offered)
            continue
          }
          job.wanted -= 1
          job.active += 1
          lock.unlock()
          job.work()
          lock.lock()
          job.active -= 1
          if job.active == 0 { finished.broadcast() }
        }
      }
    }

    /// Sees to it that there are so many threads, as far as the system has them.
    private func startThreads(_ count: Int) {
      let hasNew = lock.locked {
        let before = threadCount
        while threadCount < count, startThread() { threadCount += 1 }
        return threadCount > before
      }
      // New threads get to run on this processor, until they sleep and can be woken on another.
      if hasNew { sched_yield() }
    }

    /// - Returns: whether the system has another thread.
    private func startThread() -> Bool { DetachedThread.start { self.work() } }
  }
}
