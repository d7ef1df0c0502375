import Testing

@testable import SolderLinker

/// Where the bytes of a fragment stand after edits of it.
@Suite struct OffsetMapTests {
  private var map: OffsetMap {
    var map = OffsetMap()
    map.add(4..<6, length: 5)
    // As long as before: no change.
    map.add(7..<9, length: 2)
    map.add(10..<20, length: 2)
    return map
  }

  @Test func everyPlace() {
    let positions: [(old: UInt32, new: UInt32)] = [
      (0, 0), (3, 3), (4, 4),
      // Among the bytes that were replaced, and behind them.
      (5, 9), (6, 9), (7, 10), (9, 12), (10, 13), (11, 15), (19, 15), (20, 15), (21, 16), (100, 95),
    ]
    for (old, new) in positions { #expect(map.position(of: old) == new, "\(old)") }
    #expect(map.growth == -5)
    #expect(map.changes.count == 2)
  }

  @Test func noChange() {
    #expect(OffsetMap().position(of: 17) == 17)
    #expect(OffsetMap().growth == 0)
  }

  @Test func oneBehindTheOther() {
    var joined = OffsetMap()
    joined.add(0..<1, length: 3)
    joined.append(map, behind: 50)
    let places: [(old: UInt32, new: UInt32)] = [
      (0, 0), (1, 3), (53, 55), (54, 56), (56, 61), (60, 65), (70, 67), (80, 77),
    ]
    for (old, new) in places { #expect(joined.position(of: old) == new, "\(old)") }
    #expect(joined.growth == -3)
  }
}
