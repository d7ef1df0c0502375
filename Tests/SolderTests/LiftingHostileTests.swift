import Testing

/// Modules that nobody would write: an error or a result, never a trap, a hang or gigabytes of memory.
@Suite struct LiftingHostileTests {
  private func check(_ text: String, _ options: [String] = [], mentions: [String]? = nil) async throws {
    let library = try await Toolchain.shared.assembled("libhostile.so", text)
    let program = try await Toolchain.shared.assembled(
      "program.wasm", LiftingCase.program(#"MEMORY (func (export "run"))"#))
    if let mentions {
      try await linkFails([program, library] + options, mentions: mentions + ["libhostile.so"], place: .apart)
    } else {
      _ = try await linkApart([program, library] + options + ["--no-warn-start-up-code"])
    }
  }

  @Test func memoryOfFourGigabytes() async throws {
    let library = try await Toolchain.shared.assembled(
      "libhostile.so", LiftingCase.library("(data (global.get $mb) \"x\")", memory: "4294967295 31"))
    let program = try await Toolchain.shared.assembled(
      "program.wasm", LiftingCase.program(#"MEMORY (func (export "run"))"#))
    try await linkFails([program, library, "--no-gc-sections"], mentions: ["only 4294967296 bytes"], place: .apart)
  }

  @Test func tableOfFourBillionSlots() async throws {
    let code = #"(func (export "f") (param i32) (result i32) (i32.add (global.get $tb) (local.get 0)))"#
    try await check(
      LiftingCase.library(code, table: "4294967295 0"), ["--export=f"], mentions: ["4294967295 table slots"])
    try await check(LiftingCase.library(code, table: "1 31"), ["--export=f"], mentions: ["aligned to 2147483648"])
  }

  /// A tree of calls: 2 to the 40 stores.
  @Test func functionsThatCallEachOtherInATree() async throws {
    var text = #"(func $f40 (i32.store offset=8 (global.get $mb) (global.get $mb)))"#
    for index in 0..<40 { text += "(func $f\(index) (call $f\(index + 1)) (call $f\(index + 1)))" }
    try await check(LiftingCase.library(text + #"(export "__wasm_apply_data_relocs" (func $f0))"#))
  }

  @Test func functionsThatCallEachOtherForEver() async throws {
    let text = """
      (func $a (export "__wasm_apply_data_relocs") (call $b)) (func $b (call $a)) (start $b)
      (func (export "__wasm_call_ctors") (call $b) (call $a))
      """
    try await check(LiftingCase.library(text))
  }

  @Test func aLongRelocationFunction() async throws {
    let text = String(repeating: "(i32.store offset=8 (global.get $mb) (global.get $mb))", count: 60_000)
    try await check(LiftingCase.library("(func (export \"__wasm_apply_data_relocs\") \(text))"))
  }

  @Test func relocationsFarAway() async throws {
    for offset in [1 << 20, 1 << 30, 0x7FFF_FFFF, 0xFFFF_FFFF] {
      let library = try await Toolchain.shared.assembled(
        "libfar.so",
        LiftingCase.library(
          """
          (func (export "__wasm_apply_data_relocs") (i32.store offset=\(offset) (global.get $mb) (global.get $mb))
            (i32.store (global.get $mb) (global.get $mb)))
          """))
      let program = try await Toolchain.shared.assembled(
        "program.wasm", LiftingCase.program(#"MEMORY (func (export "run"))"#))
      _ = try await linkApart([program, library, "--no-warn-start-up-code"])
    }
  }

  @Test func indicesOutOfRange() async throws {
    let header = Array("\0asm".utf8) + [1, 0, 0, 0]
    let dylink: [UInt8] = [0, 15, 8] + Array("dylink.0".utf8) + [1, 4, 8, 2, 4, 2]
    let types: [UInt8] = [1, 4, 1, 0x60, 0, 0]
    let function: [UInt8] = [3, 2, 1, 0]
    let table: [UInt8] = [4, 4, 1, 0x70, 0, 1]
    let memory: [UInt8] = [5, 3, 1, 0, 1]
    let code: [UInt8] = [10, 4, 1, 2, 0, 0x0B]
    let name: [UInt8] = [17] + Array("__wasm_call_ctors".utf8)
    let damaged: [(what: String, sections: [[UInt8]])] = [
      ("export", [types, function, [7, 5, 1, 1, 0x66, 0, 9], code]),
      ("export", [types, function, [7, 5, 1, 1, 0x66, 1, 9], code]),
      ("export", [types, function, [7, 5, 1, 1, 0x66, 2, 9], code]),
      ("export", [types, function, [7, 5, 1, 1, 0x66, 3, 9], code]),
      ("export", [types, function, [7, 5, 1, 1, 0x66, 4, 9], code]),
      ("export", [types, function, [7, 21, 1] + name + [0, 9], code]),
      ("start", [types, function, [8, 1, 9], code]),
      ("table", [types, function, table, [9, 9, 1, 2, 9, 0x41, 0, 0x0B, 0, 1, 0], code]),
      ("element section", [types, function, table, [9, 7, 1, 0, 0x41, 0, 0x0B, 1, 9], code]),
      ("memory", [types, function, memory, code, [11, 8, 1, 2, 9, 0x41, 0, 0x0B, 1, 0]]),
      ("global", [types, function, [6, 6, 1, 0x7F, 0, 0x23, 9, 0x0B], code]),
      ("page size", [types, function, [5, 4, 1, 8, 1, 40], code]),
      ("function", [types, function, [10, 6, 1, 4, 0, 0x10, 9, 0x0B]]),
      ("global", [types, function, [10, 7, 1, 5, 0, 0x23, 9, 0x1A, 0x0B]]),
      ("alignment", [types, function, code, [0, 15, 8] + Array("dylink.0".utf8) + [1, 4, 8, 40, 4, 2]]),
    ]
    for (what, sections) in damaged {
      let folder = try TemporaryFolder()
      let program = try await Toolchain.shared.assembled(
        "program.wasm", LiftingCase.program(#"MEMORY (func (export "run"))"#))
      for prefix in [header + dylink, header] {
        let path = try folder.write(prefix + sections.flatMap(\.self), to: "libhostile.so")
        if prefix == header, what == "alignment" { continue }
        try await linkFails([program, path], mentions: ["libhostile.so"], place: .apart)
      }
    }
  }
}
