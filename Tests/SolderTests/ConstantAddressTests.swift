import Testing

/// What a plain module exports as an immutable global is an address to a library that refers to data of that name, however
/// the initial value says it.
@Suite struct ConstantAddressTests {
  private static let reader = """
    (module (@dylink.0 (mem-info)) (import "env" "memory" (memory 1)) (import "GOT.mem" "place" (global $p (mut i32)))
      (func (export "read") (result i32) (i32.load (global.get $p))))
    """

  @Test(
    arguments: [
      "(i32.const 1000)", "(global.get $start)", "(i32.add (global.get $start) (i32.const 0))",
      "(i32.sub (global.get $twice) (global.get $start))", "(i32.mul (i32.const 10) (i32.const 100))",
      "(global.get $host)",
    ], [false, true]) func initialValue(_ value: String, _ libraryFirst: Bool) async throws
  {
    let host = value.contains("$host") ? #"(import "host" "start" (global $host i32))"# : ""
    let program = try await Toolchain.shared.assembled(
      "address.wasm",
      """
      (module (import "env" "read" (func $read (result i32))) \(host) (memory (export "memory") 1)
        (global $start i32 (i32.const 1000)) (global $twice i32 (i32.add (global.get $start) (i32.const 1000)))
        (global (export "place") i32 \(value)) (global (export "__heap_base") i32 (i32.const 2048))
        (data (i32.const 1000) "\\2a") (func (export "run") (result i32) (call $read)))
      """)
    let library = try await Toolchain.shared.assembled("libaddress.so", Self.reader)
    let inputs = libraryFirst ? [library, program] : [program, library]
    guard !value.contains("$host") else {
      // What only the host knows is refused, not guessed.
      _ = try await linkFails(inputs, mentions: ["place", "address.wasm", "libaddress.so"])
      return
    }
    let linked = try await link(inputs)
    let transcript = try await WebAssemblyHost.shared.invoke(linked.path, [Call("run")])
    #expect(transcript.contains("run() = 42"), "\(transcript)")
  }
}
