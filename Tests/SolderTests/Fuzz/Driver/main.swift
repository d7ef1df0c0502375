import CFuzz

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// solder-fuzz TARGET [ARGUMENTS OF LIBFUZZER]
// solder-fuzz seeds FOLDER FILE…    packs files as inputs of the targets that take several
//
// `SOLDER_FUZZ_ENGINE` is the path of wasmtime's library, which then judges results.

/// Read by the functions that libFuzzer calls; set once, before it runs.
nonisolated(unsafe) private var target = FuzzTarget.unit

@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int, _ seed: UInt32) -> Int {
  guard unsafe size > 0 || target.isContainer else { return unsafe LLVMFuzzerMutate(data, size, maxSize) }
  var mutator = Mutator(seed: seed)
  let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  let result = unsafe mutator.mutate(bytes, maxSize: maxSize, isContainer: target.isContainer).prefix(maxSize)
  for (index, byte) in result.enumerated() { unsafe data[index] = byte }
  return result.count
}

@_cdecl("LLVMFuzzerCustomCrossOver")
public func customCrossOver(
  _ first: UnsafePointer<UInt8>, _ firstSize: Int, _ second: UnsafePointer<UInt8>, _ secondSize: Int,
  _ output: UnsafeMutablePointer<UInt8>, _ maxSize: Int, _ seed: UInt32
) -> Int {
  var mutator = Mutator(seed: seed)
  let one = unsafe Array(UnsafeBufferPointer(start: first, count: firstSize))
  let two = unsafe Array(UnsafeBufferPointer(start: second, count: secondSize))
  let whole = unsafe target.isContainer ? mutator.cross(one, two, maxSize: maxSize) : one[..<(one.count / 2)] + two
  let result = whole.prefix(maxSize)
  for (index, byte) in result.enumerated() { unsafe output[index] = byte }
  return result.count
}

private func fail(_ message: String) -> Never {
  let line = Array("solder-fuzz: \(message)\n".utf8)
  unsafe write(STDERR_FILENO, line, line.count)
  exit(2)
}

private let arguments = CommandLine.arguments
guard arguments.count > 1 else { fail("which target? \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))") }
if arguments[1] == "seeds" {
  guard arguments.count > 2 else { fail("which folder?") }
  Seeds.write(arguments.dropFirst(3), to: arguments[2])
  exit(0)
}
guard let chosen = FuzzTarget(rawValue: arguments[1]) else { fail("no such target: \(arguments[1])") }
unsafe target = chosen
if let path = unsafe getenv("SOLDER_FUZZ_ENGINE") {
  guard unsafe loadEngine(path) else { fail("cannot load the engine") }
  unsafe FuzzTarget.isValid = { bytes in
    unsafe bytes.withUnsafeBufferPointer { unsafe isValidModule($0.baseAddress, $0.count) }
  }
}
// A stack that has overflowed has no room for the handler that keeps the input.
private let stackSize = 1 << 18
private var alternate = unsafe stack_t(
  ss_sp: UnsafeMutableRawPointer.allocate(byteCount: stackSize, alignment: 16), ss_flags: 0, ss_size: stackSize)
unsafe sigaltstack(&alternate, nil)
// libFuzzer sees the arguments without the target.
private var count = CommandLine.argc - 1
private var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
unsafe exit(
  LLVMFuzzerRunDriver(&count, &values) { data, size in
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    unsafe target.run(bytes)
    return 0
  })
