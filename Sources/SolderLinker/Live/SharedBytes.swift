import Synchronization

/// Bytes that several threads read and change at the same time.
///
/// Each access is atomic and says nothing about other memory: what a thread learns from a byte is only that byte. There
/// are `count` bytes, every index is compared with that, and nobody uses them after ``deallocate()``.
@safe
struct SharedBytes: @unchecked Sendable {
  private let bytes: UnsafeMutablePointer<Atomic<UInt8>>
  let count: Int

  init(repeating value: UInt8, count: Int) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, count), alignment: 1)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: value, count: count)
    unsafe bytes = unsafe memory.bindMemory(to: Atomic<UInt8>.self, capacity: count)
    self.count = count
  }

  subscript(index: Int) -> UInt8 {
    get {
      precondition(index >= 0 && index < count)
      return unsafe bytes[index].load(ordering: .relaxed)
    }
    nonmutating set {
      precondition(index >= 0 && index < count)
      unsafe bytes[index].store(newValue, ordering: .relaxed)
    }
  }

  /// Sets a byte to 1.
  ///
  /// - Returns: whether it was 0, which only one of several threads is told.
  func claim(_ index: Int) -> Bool { unsafe self[index] == 0 && bytes[index].exchange(1, ordering: .relaxed) == 0 }

  /// Whether each byte of a range has one of the bits of `mask`, once no other thread writes any more.
  func flags(_ range: Range<Int>, mask: UInt8 = .max) -> [Bool] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe Array(unsafeUninitializedCapacity: range.count) { flags, initialized in
      for index in range {
        unsafe flags.initializeElement(
          at: index - range.lowerBound, to: bytes[index].load(ordering: .relaxed) & mask != 0)
      }
      initialized = range.count
    }
  }

  func deallocate() { unsafe bytes.deallocate() }
}
