/// The contents of an input that is no file: what a compiler has just made, or what was unpacked from somewhere.
///
/// The bytes are copied once, when this is made; any number of links may then share it, also at the same time.
@safe
public final class InputBytes: @unchecked Sendable, Equatable {
  /// The name that messages and reports have for it, as for a file's path.
  public let name: String
  /// `count` bytes, which nobody writes to until this is gone.
  private let address: UnsafeMutablePointer<UInt8>
  /// How many there are.
  public let count: Int

  /// - Parameters:
  ///   - name: what messages call it.
  ///   - bytes: the contents of an object, archive, library or module.
  public init(name: String, _ bytes: some Sequence<UInt8>) {
    let copy = Array(bytes)
    self.name = name
    count = copy.count
    unsafe address = .allocate(capacity: max(1, copy.count))
    unsafe copy.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { unsafe address.initialize(from: start, count: copy.count) }
    }
  }

  deinit { unsafe address.deallocate() }

  /// Calls `body` with the bytes, which are there for as long as this is.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    unsafe body(UnsafeBufferPointer(start: address, count: count))
  }

  /// The same input, not only the same bytes.
  public static func == (left: InputBytes, right: InputBytes) -> Bool { left === right }
}
