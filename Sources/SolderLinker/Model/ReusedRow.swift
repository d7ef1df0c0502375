/// Elements that go all at once, again and again, and whose room stays for the next ones: an array takes longer to forget
/// its elements than to add a few.
struct ReusedRow<Element: BitwiseCopyable>: RandomAccessCollection {
  /// The first ``count`` of these.
  private var room: [Element] = []
  private(set) var count = 0

  var startIndex: Int { 0 }
  var endIndex: Int { count }

  @inline(__always)
  subscript(index: Int) -> Element {
    precondition(index < count)
    return room[index]
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count < room.count { room[count] = element } else { room.append(element) }
    count &+= 1
  }

  mutating func removeAll() { count = 0 }

  /// Adds all elements to those of an array.
  func append(to array: inout [Element]) { array.append(contentsOf: room[..<count]) }
}
