/// A growing buffer of plain values that keeps its memory from one name to the next.
///
/// Every access is checked against `count`. Removing never gives memory back: names come by the hundred thousand, and
/// the memory of the largest one serves them all.
struct Pool<Element: BitwiseCopyable>: ~Copyable {
  // `storage` has room for `capacity` elements, of which the first `count` are initialized; `count <= capacity`.
  private var storage: UnsafeMutablePointer<Element>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = max(1, capacity)
    storage = .allocate(capacity: self.capacity)
  }

  deinit { storage.deallocate() }

  subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return storage[index]
    }
    set {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      storage[index] = newValue
    }
  }

  /// The elements, valid until the next change.
  var contents: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: storage, count: count) }

  /// The last element, or nil when there is none.
  var last: Element? { count == 0 ? nil : storage[count - 1] }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow(by: 1) }
    (storage + count).initialize(to: element)
    count &+= 1
  }

  /// Appends the `length` elements from `start` on, which may not be elements of this pool.
  @inline(__always)
  mutating func append(from start: UnsafePointer<Element>, count length: Int) {
    if capacity - count < length { grow(by: length) }
    (storage + count).initialize(from: start, count: length)
    count &+= length
  }

  /// Moves the elements from `index` on to make room for `element`.
  mutating func insert(_ element: Element, at index: Int) {
    precondition(index >= 0 && index <= count)
    if count == capacity { grow(by: 1) }
    (storage + index + 1).update(from: storage + index, count: count - index)
    storage[index] = element
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
    replacement.initialize(from: storage, count: count)
    storage.deallocate()
    storage = replacement
    capacity = larger
  }
}
