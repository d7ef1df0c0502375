/// Strings for C, which are there for as long as this is.
///
/// Each is a copy with a null byte at its end in memory of its own, which nobody changes; a list of them is an array of
/// pointers, kept likewise.
@safe
final class CStrings: @unchecked Sendable {
  private var strings: [UnsafeMutablePointer<CChar>] = unsafe []
  private var lists: [UnsafeMutablePointer<UnsafePointer<CChar>?>] = unsafe []

  /// A copy of the text.
  func add(_ text: String) -> UnsafePointer<CChar> {
    let count = text.utf8.count
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: count + 1)
    for (index, byte) in text.utf8.enumerated() { unsafe copy[index] = CChar(bitPattern: byte) }
    unsafe copy[count] = 0
    unsafe strings.append(copy)
    return unsafe UnsafePointer(copy)
  }

  /// Copies of several texts.
  func add(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
    let list = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for (index, text) in texts.enumerated() { unsafe (list + index).initialize(to: add(text)) }
    unsafe (list + texts.count).initialize(to: nil)
    unsafe lists.append(list)
    return unsafe UnsafePointer(list)
  }

  deinit {
    for index in unsafe strings.indices { unsafe strings[index].deallocate() }
    for index in unsafe lists.indices { unsafe lists[index].deallocate() }
  }
}
