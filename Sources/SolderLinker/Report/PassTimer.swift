#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Measures the passes of a link, and tells whoever watches it which one runs.
///
/// Passes follow each other without a gap: each ends where the next one begins.
final class PassTimer {
  private struct Pass {
    let pass: LinkPass
    /// Nanoseconds since the timer was made.
    let start: UInt64
    let end: UInt64
    /// Processor time of all threads.
    let processorTime: UInt64
    let items: Int
    let bytes: Int
  }

  private let options: LinkOptions
  private let control: LinkControl
  private let origin: UInt64
  private var last: UInt64
  private var lastProcessorTime: UInt64
  private var passes: [Pass] = []

  /// A timer that starts now.
  init(_ options: LinkOptions, _ control: LinkControl) {
    self.options = options
    self.control = control
    control.begin(LinkPass.allCases.first)
    origin = PassTimer.now(CLOCK_MONOTONIC)
    last = origin
    lastProcessorTime = PassTimer.now(CLOCK_PROCESS_CPUTIME_ID)
  }

  /// Ends the pass that has been running since the last call.
  ///
  /// - Parameters:
  ///   - items: how many things it worked on: files, symbols, relocations, as fits.
  ///   - bytes: how many bytes it read or wrote.
  func end(_ pass: LinkPass, items: Int = 0, bytes: Int = 0) {
    let now = PassTimer.now(CLOCK_MONOTONIC)
    let processorTime = PassTimer.now(CLOCK_PROCESS_CPUTIME_ID)
    passes.append(
      Pass(
        pass: pass, start: last - origin, end: now - origin, processorTime: processorTime - lastProcessorTime,
        items: items, bytes: bytes))
    last = now
    lastProcessorTime = processorTime
    control.begin(pass.next)
  }

  /// The passes so far.
  var times: [LinkResult.PassTime] {
    passes.map { pass in
      LinkResult.PassTime(
        pass: pass.pass, start: .nanoseconds(pass.start), duration: .nanoseconds(pass.end - pass.start),
        processorTime: .nanoseconds(pass.processorTime), items: pass.items, bytes: pass.bytes)
    }
  }

  /// Prints the table and writes the trace, as the options say.
  func report(_ diagnostics: Diagnostics) {
    if options.statistics {
      Diagnostics.writeToStandardError(table)
    }
    if let path = options.timeTraceFile { writeTrace(path, diagnostics) }
  }

  private static func now(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  // MARK: The table

  private var table: String {
    var lines = [row("pass", "wall ms", "cpu ms", "items", "bytes")]
    for pass in passes {
      lines.append(
        row(
          pass.pass.rawValue, milliseconds(pass.end - pass.start), milliseconds(pass.processorTime),
          pass.items == 0 ? "" : String(pass.items), pass.bytes == 0 ? "" : String(pass.bytes)))
    }
    let processorTime = passes.reduce(0) { $0 + $1.processorTime }
    if let last = passes.last {
      lines.append(row("total", milliseconds(last.end), milliseconds(processorTime), "", ""))
    }
    return lines.joined()
  }

  private func row(_ name: String, _ columns: String...) -> String {
    func spaces(_ count: Int) -> String { String(repeating: " ", count: max(1, count)) }
    var line = name + spaces(24 - name.utf8.count)
    for (column, width) in zip(columns, [10, 10, 12, 14]) { line += spaces(width - column.utf8.count) + column }
    return line + "\n"
  }

  /// With two decimals: a hello world's passes take some hundredths.
  private func milliseconds(_ nanoseconds: UInt64) -> String {
    let hundredths = (nanoseconds + 5_000) / 10_000
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }

  // MARK: The trace

  /// Trace Event Format, JSON Object Format, complete events ("X"); times are in microseconds.
  private func writeTrace(_ path: String, _ diagnostics: Diagnostics) {
    let events = passes.map { pass in
      "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":\"\(pass.pass.rawValue)\",\"ts\":\(pass.start / 1000)"
        + ",\"dur\":\((pass.end - pass.start) / 1000),\"args\":{\"items\":\(pass.items),\"bytes\":\(pass.bytes)"
        + ",\"cpu\":\(pass.processorTime / 1000)}}"
    }
    let text = "{\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n],\"displayTimeUnit\":\"ms\"}\n"
    do {
      try OutputFile.write(Array(text.utf8), to: path)
    } catch {
      diagnostics.error("cannot open time trace file \(path): \(error)", .cannotWrite, in: path)
    }
  }
}
