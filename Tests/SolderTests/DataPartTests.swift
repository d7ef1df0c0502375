import Testing
import WebAssemblyFormat

/// Long rows of zeros in the data of libraries are not written; memory is the same as if they were.
@Suite struct DataPartTests {
  /// Data with rows of zeros of many lengths, in some of which a relocation puts the address of the data itself.
  private static func library(_ seed: Int) -> String {
    var random = SplitMix(seed: UInt64(seed))
    var bytes: [UInt8] = []
    while bytes.count < 600 {
      bytes += [UInt8](repeating: 0, count: random.below(random.pick([4, 20, 120])))
      bytes += (0..<random.below(9)).map { _ in UInt8(random.below(256)) }
    }
    while bytes.count % 4 != 0 || seed % 2 == 0 && bytes.count < 900 { bytes.append(0) }
    let places = stride(from: 4 * random.below(9), to: bytes.count - 4, by: 4 * (6 + random.below(40)))
    let stores = places.map { place in
      "(i32.store (i32.add (global.get $mb) (i32.const \(place))) (i32.add (global.get $mb) (i32.const \(random.below(90)))))"
    }
    // Addresses differ from link to link.
    let sums = places.map { place in
      "(local.set 1 (i32.mul (i32.sub (i32.load (i32.add (global.get $mb) (i32.const \(place)))) (global.get $mb)) (i32.const 7)))"
        + "(i32.store (i32.add (global.get $mb) (i32.const \(place))) (local.get 1))"
    }
    let text = bytes.map { "\\" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return LiftingCase.library(
      """
      (func (export "__wasm_apply_data_relocs") \(stores.joined(separator: " ")))
      (func (export "sum") (param i32) (result i32) (local i32)
        \(sums.joined(separator: " "))
        (loop $l
          (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (i32.load (i32.add (global.get $mb) (local.get 0)))))
          (local.set 0 (i32.add (local.get 0) (i32.const 4)))
          (br_if $l (i32.lt_u (local.get 0) (i32.const \(bytes.count)))))
        (local.get 1))
      (data (global.get $mb) "\(text)")
      """, memory: "\(bytes.count + 64) 4")
  }

  /// A module whose code tells data segments by their numbers, so that none may be divided.
  private func namesSegments() async throws -> String {
    try await Toolchain.shared.assembled(
      "other.wasm",
      """
      (module (memory 1) (data $d "12345")
        (global (export "__heap_base") i32 (i32.const 64))
        (func (export "f") (memory.init $d (i32.const 8) (i32.const 0) (i32.const 5))))
      """)
  }

  private func segmentCount(_ result: LinkedInProcess) throws -> Int {
    let section = try #require(result.module.sections.first { $0.identifier == 11 })
    return try reading(result.bytes) { file in
      var reader = file[section.contents]
      return Int(try reader.u32())
    }
  }

  @Test(arguments: 0..<12) func memoryIsTheSame(_ seed: Int) async throws {
    let library = try await Toolchain.shared.assembled("libzeros.so", DataPartTests.library(seed))
    let options = ["--no-entry", "--export=sum"]
    let calls = [Call("sum", 0)]
    let whole = try await linkedHere([library, try await namesSegments(), "--no-gc-sections"] + options)
    #expect(try segmentCount(whole) == 2)
    let expected = try await WebAssemblyHost.shared.invoke(whole.bytes, calls)
    for more in [[], ["--compress-relocations", "--strip-debug"], ["--strip-all"], ["--global-base=65536"]] {
      let result = try await linkedHere([library] + options + more)
      #expect(try await WebAssemblyHost.shared.invoke(result.bytes, calls) == expected, "\(more)")
      #expect(result.bytes.count < whole.bytes.count)
      #expect(try segmentCount(result) > 1)
    }
  }

  /// What comes from outside may not be zero, and code may tell segments by their numbers.
  @Test func zerosAreWrittenWhereTheyMatter() async throws {
    let zeros = #"(data (global.get $mb) "\01\#(String(repeating: #"\00"#, count: 400))\02")"#
    let library = try await Toolchain.shared.assembled("libzeros.so", LiftingCase.library(zeros, memory: "512 4"))
    let other = try await namesSegments()
    func segments(_ inputs: [String]) async throws -> Int {
      try segmentCount(try await linkedHere(inputs + ["--no-entry", "--no-gc-sections"]))
    }
    #expect(try await segments([library]) == 2)
    #expect(try await segments([library, "--import-memory"]) == 1)
    #expect(try await segments([library, other]) == 2)
  }
}
