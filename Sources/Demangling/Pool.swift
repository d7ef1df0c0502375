/// A growing buffer of plain values that keeps its memory from one name to the next.
///
/// Every access is checked against `count`. Removing never gives memory back: names come by the hundred thousand, and
/// the memory of the largest one serves them all.
@safe
struct Pool<Element: BitwiseCopyable>: ~Copyable {
  // `storage` has room for `capacity` elements, of which the first `count` are initialized; `count <= capacity`.
  private var storage: UnsafeMutablePointer<Element>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = max(1, capacity)
    unsafe storage = .allocate(capacity: self.capacity)
  }

  deinit { unsafe storage.deallocate() }

  subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return unsafe storage[index]
    }
    set {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      unsafe storage[index] = newValue
    }
  }

  /// The last element, or nil when there is none.
  var last: Element? { unsafe count == 0 ? nil : storage[count - 1] }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow(by: 1) }
    unsafe (storage + count).initialize(to: element)
    count &+= 1
  }

  /// Appends `length` elements of this pool once more, those from `index` on.
  mutating func appendCopy(from index: Int, count length: Int) {
    precondition(index >= 0 && length >= 0 && length <= count - index)
    if capacity - count < length { grow(by: length) }
    unsafe (storage + count).initialize(from: storage + index, count: length)
    count &+= length
  }

  /// Moves the elements from `index` on to make room for `element`.
  mutating func insert(_ element: Element, at index: Int) {
    precondition(index >= 0 && index <= count)
    if count == capacity { grow(by: 1) }
    unsafe (storage + index + 1).update(from: storage + index, count: count - index)
    unsafe storage[index] = element
    count += 1
  }

  /// Drops the elements from `length` on, if there are any.
  @inline(__always)
  mutating func truncate(to length: Int) {
    if length < count { count = max(0, length) }
  }

  mutating func removeAll() { count = 0 }

  @inline(never)
  private mutating func grow(by length: Int) {
    let larger = max(count + length, capacity * 2)
    let replacement = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    unsafe replacement.initialize(from: storage, count: count)
    unsafe storage.deallocate()
    unsafe storage = unsafe replacement
    capacity = larger
  }
}

extension Pool<UInt8> {
  /// The bytes, valid until the next change.
  var text: Text { unsafe Text(start: storage, count: count) }

  /// Appends a text, which may not be this pool's. Most are a few bytes long, which two loads and stores that overlap copy faster than a call.
  @inline(__always)
  mutating func append(_ text: Text) {
    let length = text.count
    if capacity - count < length { grow(by: length) }
    let target = unsafe UnsafeMutableRawPointer(storage + count)
    let source = unsafe UnsafeRawPointer(text.start)
    count &+= length
    switch length {
    case 8...16: unsafe Pool.copyEnds(UInt64.self, source, target, length)
    case 4..<8: unsafe Pool.copyEnds(UInt32.self, source, target, length)
    case 2..<4: unsafe Pool.copyEnds(UInt16.self, source, target, length)
    case 1: unsafe target.storeBytes(of: source.load(as: UInt8.self), as: UInt8.self)
    default: unsafe target.copyMemory(from: source, byteCount: length)
    }
  }

  /// Copies the first and the last word of `length` bytes, which is all of them if there are no more than two words.
  @inline(__always)
  private static func copyEnds<Word: FixedWidthInteger & BitwiseCopyable>(
    _: Word.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ length: Int
  ) {
    let last = length &- MemoryLayout<Word>.size
    let words = unsafe (
      source.loadUnaligned(as: Word.self), source.loadUnaligned(fromByteOffset: last, as: Word.self)
    )
    unsafe target.storeBytes(of: words.0, as: Word.self)
    unsafe target.storeBytes(of: words.1, toByteOffset: last, as: Word.self)
  }
}
