import WebAssemblyFormat

@testable import SolderLinker

// What the linker does in mapped files and in the result is tested in arrays. These lend their memory only as long as a
// closure runs: nothing of the linker's that gets a pointer here is kept any longer.

/// Runs a body with a reader of some bytes.
///
/// - Parameter count: how many of them it sees, from the first one on; all unless given.
func reading<Result, Failure: Error>(
  _ bytes: [UInt8], count: Int? = nil, _ body: (ByteReader) throws(Failure) -> Result
) throws(Failure) -> Result {
  // An empty array need not have an address.
  let padded = bytes + [0]
  return try unsafe padded.withUnsafeBufferPointer { buffer throws(Failure) in
    guard let base = buffer.baseAddress else { preconditionFailure("an array with a byte has an address") }
    return try body(unsafe ByteReader(base, 0..<(count ?? bytes.count)))
  }
}

/// Runs a body with a room that is a part of some bytes.
func writing<Result>(_ bytes: inout [UInt8], _ part: Range<Int>, _ body: (OutputRoom) -> Result) -> Result {
  precondition(part.lowerBound >= 0 && part.upperBound <= bytes.count && !bytes.isEmpty)
  return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("an array with a byte has an address") }
    return body(unsafe OutputRoom(base + part.lowerBound, count: part.count))
  }
}
