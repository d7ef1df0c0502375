/// A piece of the mangled name, or of the readable one, or a fixed word.
///
/// The bytes belong to the caller's name, which outlives the call, or to the program itself, or to a ``Pool`` that does
/// not change meanwhile; whoever makes a text from a pointer vouches for that, and for `count` readable bytes. Every load
/// is of these.
@safe
struct Text: BitwiseCopyable {
  let start: UnsafePointer<UInt8>
  let count: Int

  @inline(__always)
  init(_ word: StaticString) {
    unsafe start = unsafe word.utf8Start
    count = word.utf8CodeUnitCount
  }

  @inline(__always)
  init(start: UnsafePointer<UInt8>, count: Int) {
    unsafe self.start = unsafe start
    self.count = count
  }

  static var empty: Text { Text("") }

  var isEmpty: Bool { count == 0 }

  @inline(__always)
  subscript(index: Int) -> UInt8 {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe start[index]
  }

  subscript(range: Range<Int>) -> Text {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe Text(start: start + range.lowerBound, count: range.count)
  }

  /// The first byte, or 0 when there is none.
  var first: UInt8 { unsafe count == 0 ? 0 : start[0] }

  /// The last byte, or 0 when there is none.
  var last: UInt8 { unsafe count == 0 ? 0 : start[count - 1] }

  /// What is left without the first `length` bytes.
  func dropping(_ length: Int) -> Text {
    let dropped = min(length, count)
    return unsafe Text(start: start + dropped, count: count - dropped)
  }

  /// The place of a byte, or the length when it is not there.
  func index(of byte: UInt8) -> Int {
    var index = 0
    while index < count, unsafe start[index] != byte { index += 1 }
    return index
  }

  /// The place of the first zero byte, or the length when there is none.
  var indexOfZero: Int {
    let raw = unsafe UnsafeRawPointer(start)
    var index = 0
    // Eight bytes at a time: a borrow reaches the highest bit of a byte if it is zero, or in one behind such a byte.
    while index + 8 <= count {
      let word = unsafe raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 { break }
      index += 8
    }
    while index < count, unsafe start[index] != 0 { index += 1 }
    return index
  }

  func hasPrefix(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard length <= count else { return false }
    for index in 0..<length where unsafe start[index] != word.utf8Start[index] { return false }
    return true
  }

  static func == (left: Text, right: StaticString) -> Bool {
    left.count == right.utf8CodeUnitCount && left.hasPrefix(right)
  }
}
