import Foundation
import Synchronization
import Testing

@testable import SolderLinker

/// The linker as a part of a program that stays: many links side by side, with and without errors, some of them cancelled.
/// What they leave in memory is measured in a process of its own (`InterfaceTests.misuseAndThreads`).
@Suite(.serialized) struct ServiceTests {
  private static let program: [UInt8] = {
    var object = ModuleBuilder(object: true)
    let helper = object.undefinedFunction("helper", [], [.i32])
    let value = object.data("value", Array(repeating: 7, count: 5000))
    object.function("run", [], [.i32], flags: .exported, [.address(value), .i32Load(), .call(helper), .i32Add])
    return object.bytes
  }()

  private static let library: [UInt8] = {
    var archive = ArchiveBuilder()
    var object = ModuleBuilder(object: true)
    object.function("helper", [], [.i32], flags: [], [.i32Const(35)])
    archive.add("helper.o", object)
    return archive.bytes
  }()

  private static func options(_ number: Int) -> LinkOptions {
    var options = LinkOptions()
    options.entryPoint = .none
    options.threads = 1 + number % 3
    options.inputs = [InputArgument(.bytes(InputBytes(name: "program.o", program)))]
    // Every third link lacks what it needs, every seventh is of a damaged file.
    if number % 3 != 0 { options.inputs.append(InputArgument(.bytes(InputBytes(name: "lib.a", library)))) }
    if number % 7 == 0 {
      options.inputs.append(InputArgument(.bytes(InputBytes(name: "cut.o", program.prefix(40 + number % 60)))))
    }
    return options
  }

  /// - Returns: how many links succeeded, failed, and were cancelled.
  private func run(_ numbers: Range<Int>, expecting expected: [UInt8]) async -> (
    linked: Int, failed: Int, cancelled: Int
  ) {
    await withTaskGroup(of: (Int, Int, Int).self) { group in
      for worker in 0..<4 {
        group.addTask {
          var counts = (0, 0, 0)
          for number in numbers where number % 4 == worker {
            let codes = Mutex<[Diagnostic.Code]>([])
            let diagnostics = Diagnostics { message in codes.withLock { $0.append(message.code) } }
            let control = LinkControl()
            if number % 11 == 0 { Thread.detachNewThread { control.cancel() } }
            let result = linkInMemory(Self.options(number), diagnostics, control: control)
            #expect((result == nil) == diagnostics.hasErrors)
            if let result {
              #expect(result.bytes == expected, "link \(number)")
              counts.0 += 1
            } else if codes.withLock({ $0.contains(.cancelled) }) {
              counts.2 += 1
            } else {
              #expect(number % 3 == 0 || number % 7 == 0, "link \(number): \(codes.withLock { $0 })")
              counts.1 += 1
            }
          }
          return counts
        }
      }
      return await group.reduce(into: (0, 0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1, $0.2 + $1.2) }
    }
  }

  @Test func thousandsOfLinksSideBySide() async throws {
    let expected = try #require(linkToBytes(Self.options(1), Diagnostics()))
    let counts = await run(500..<4000, expecting: expected)
    #expect(counts.linked + counts.failed + counts.cancelled == 3500)
    #expect(counts.linked > 1000 && counts.failed > 1000, "\(counts)")
  }

  /// Thousands of threads would take from others what they wait for, and do nothing faster.
  @Test func threadsAreNoMoreThanOfUse() {
    #expect(Threads(3).count == 3 && Threads(0).count == 1)
    #expect(Threads(1_000_000).count <= max(64, 4 * ProcessInfo.processInfo.processorCount))
  }
}
