import Foundation
import Testing

@testable import Demangling

/// The readable form of `name`, or nil if it is not mangled.
private func demangled(_ name: [UInt8]) -> [UInt8]? {
  var output: [UInt8] = []
  return unsafe name.withUnsafeBufferPointer { unsafe demangle($0, into: &output) } ? output : nil
}

private func demangled(_ name: String) -> String? {
  demangled(Array(name.utf8)).map { String(decoding: $0, as: UTF8.self) }
}

private let pairs: [(mangled: String, readable: String)] = {
  let lines = demangledNames.split(separator: "\n").map { String($0) }
  return stride(from: 0, to: lines.count - 1, by: 2).map { (lines[$0], lines[$0 + 1]) }
}()

/// Runs `body` on a thread with 8 MB of stack, as the main thread has: unoptimized code nests expensively.
private func withLargeStack(_ body: @escaping @Sendable () -> Void) async {
  await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
    let thread = Thread {
      body()
      continuation.resume()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }
}

private func contents(_ text: Text) -> [UInt8] { (0..<text.count).map { text[$0] } }

/// Checks that the short way to a readable name, where it is open, leads to the same as the grammar.
private func expectSame(_ name: [UInt8], _ direct: inout DirectDemangler, _ itanium: inout ItaniumDemangler) {
  guard name.starts(with: Array("_Z".utf8)) else { return }
  unsafe name.withUnsafeBufferPointer { bytes in
    guard let start = bytes.baseAddress else { return }
    let text = unsafe Text(start: start, count: bytes.count)
    guard let short = direct.demangle(text).map(contents) else { return }
    #expect(itanium.demangle(text).map(contents) == short, "\(String(decoding: name, as: UTF8.self))")
  }
}

@Suite struct DemanglingTests {
  @Test func bothWaysToAReadableNameAgree() {
    var direct = DirectDemangler()
    var itanium = ItaniumDemangler()
    for (mangled, _) in pairs { expectSame(Array(mangled.utf8), &direct, &itanium) }
  }

  @Test func agreesWithLLVM() {
    #expect(pairs.count > 300)
    for (mangled, readable) in pairs { #expect(demangled(mangled) == readable, "\(mangled)") }
  }

  @Test func leavesOtherNamesAlone() {
    for name in unmangledNames.split(separator: "\n") { #expect(demangled(String(name)) == nil, "\(name)") }
    #expect(demangled("") == nil)
  }

  @Test func appendsOrLeavesTheOutputAsItWas() {
    var output = Array("x ".utf8)
    let good = Array("_ZN1AD1Ev".utf8)
    #expect(unsafe good.withUnsafeBufferPointer { unsafe demangle($0, into: &output) })
    let bad = Array("_ZN1AD1E?".utf8)
    #expect(unsafe !bad.withUnsafeBufferPointer { unsafe demangle($0, into: &output) })
    #expect(output == Array("x A::~A()".utf8))
  }

  @Test func oneDemanglerServesManyNames() {
    var demangler = Demangler()
    for (mangled, readable) in pairs + pairs.reversed() {
      var output: [UInt8] = []
      let name = Array(mangled.utf8)
      #expect(unsafe name.withUnsafeBufferPointer { unsafe demangler.demangle($0, into: &output) })
      #expect(String(decoding: output, as: UTF8.self) == readable)
    }
  }

  @Test func endsAtAZeroByte() {
    #expect(demangled(Array("_Z3a\0bv".utf8)) == Array("a".utf8))
  }

  @Test func everyPrefixOfANameIsSafe() {
    var demangler = Demangler()
    var output: [UInt8] = []
    for (mangled, _) in pairs {
      unsafe Array(mangled.utf8).withUnsafeBufferPointer { name in
        for length in 0..<name.count {
          _ = unsafe demangler.demangle(UnsafeBufferPointer(rebasing: name[..<length]), into: &output)
        }
      }
      output.removeAll(keepingCapacity: true)
    }
  }

  @Test func changedNamesAreSafe() async {
    await withLargeStack {
      var random = SplitMix(seed: 0x5EED)
      var demangler = Demangler()
      var direct = DirectDemangler()
      var itanium = ItaniumDemangler()
      let names = pairs.map { Array($0.mangled.utf8) }
      var output: [UInt8] = []
      for _ in 0..<40_000 {
        var name = names[random.below(names.count)]
        for _ in 0...random.below(4) {
          let place = 2 + random.below(max(1, name.count - 2))
          let donor = names[random.below(names.count)]
          let start = random.below(donor.count)
          let piece = donor[start..<min(donor.count, start + 1 + random.below(12))]
          switch random.below(4) {
          case 0: name[min(place, name.count - 1)] = UInt8(random.below(256))
          case 1: name.insert(contentsOf: piece, at: min(place, name.count))
          case 2: name.removeSubrange(min(place, name.count)..<min(place + 2, name.count))
          default: name.insert(UInt8(48 + random.below(75)), at: min(place, name.count))
          }
          if name.count < 3 { name = names[0] }
        }
        unsafe name.withUnsafeBufferPointer { _ = unsafe demangler.demangle($0, into: &output) }
        output.removeAll(keepingCapacity: true)
        expectSame(name, &direct, &itanium)
      }
    }
  }

  /// Names that ask for deep nesting, for exponential output or for endless work.
  @Test func hostileNamesAreRefusedQuickly() async {
    func times(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }
    var doubling = "_Z1f1AIiE"
    var references = "_Z1f1A"
    for index in 0..<200 {
      let digits = String(2 * index, radix: 36, uppercase: true)
      doubling += "1BIS\(digits)_S\(digits)_E"
      references += "RS\(index == 0 ? "" : String(index - 1, radix: 36, uppercase: true))_"
    }
    let names = [
      "_Z1f" + times(50_000, "P") + "i",
      "_Z1fI" + times(50_000, "1AI") + "i" + times(50_000, "E") + "Evv",
      times(50_000, "_ZZ1fvE") + "1x",
      "_Z1fI" + times(50_000, "J") + times(50_000, "E") + "Evv",
      "_Z1fIX" + times(50_000, "nt") + "Li1EEEvv",
      "_Z1f" + times(50_000, "PFv") + "i" + times(50_000, "E"),
      "_Z1f" + times(50_000, "U1a") + "i",
      "_Z1fIXil" + times(50_000, "di1a") + "Li1EEEE",
      "_ZN1A" + times(50_000, "cvN1A"),
      "_ZN1A" + times(50_000, "CI1N1B"),
      "_ZN" + times(50_000, "1A") + "E",
      "_Z1fN" + times(50_000, "1A") + "T_E",
      "_R" + times(50_000, "Nv") + "C1a",
      "_RIC1a" + times(50_000, "R") + "uE",
      "_Z99999999999999999999999999f", "_Z18446744073709551617f", "_Z1fS9999999999999999_",
      "_Z1fT99999999999999999999_",
      "_Z1fIiEvTL18446744073709551615_18446744073709551615_", doubling, references,
    ]
    await withLargeStack {
      for name in names {
        let start = ContinuousClock.now
        let result = demangled(name)
        #expect((result?.utf8.count ?? 0) <= 8192 + 64 * name.utf8.count)
        #expect(ContinuousClock.now - start < .seconds(5))
      }
    }
  }
}
