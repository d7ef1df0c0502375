import Testing

@testable import SolderLinker

/// The order in which libraries start: those that are needed first, circles as groups.
@Suite struct LibraryOrderTests {
  private func order(_ declared: [[Int]], used: [[Int]]? = nil) -> [Int] {
    let used = used ?? declared.map { _ in [] }
    return LibraryOrder.sorted(zip(declared, used).map { LibraryNeeds(declared: $0, used: $1) })
  }

  @Test func needsComeFirstWhetherDeclaredOrUsed() {
    #expect(order([[1], [2], []]) == [2, 1, 0])
    #expect(order([[], [], []], used: [[1], [2], []]) == [2, 1, 0])
    #expect(order([[], [0], [0, 1]]) == [0, 1, 2])
    #expect(order([[2, 1], [], []]) == [2, 1, 0])
    #expect(order([]) == [])
    #expect(order([[0]]) == [0])
  }

  /// As native loaders do: depth first, from where the circle was entered.
  @Test func aCircleIsEnteredWhereItIsReached() {
    #expect(order([[1], [0]]) == [1, 0])
    #expect(order([[1], [2], [1]]) == [2, 1, 0])
    #expect(order([[2], [0, 2], [1]]) == [1, 2, 0])
    // The only declaration counts, and the use that closes the circle does not.
    #expect(order([[1], []], used: [[], [0]]) == [1, 0])
    #expect(order([[], [0]], used: [[1], []]) == [0, 1])
    // Nothing declared: the order of the command line.
    #expect(order([[], [], []], used: [[1], [2], [0]]) == [0, 1, 2])
  }

  /// 0 and 1 need each other, 1 is finished before 2 is found, and yet 2 comes before both.
  @Test func whatACircleNeedsComesBeforeAllOfIt() {
    #expect(order([[1, 2], [0], []]) == [2, 1, 0])
    #expect(order([[1], [0], [0]]) == [1, 0, 2])
  }

  /// Random graphs: against reachability, which is slow and plain.
  @Test func groupsAreWhatReachesItselfAndNothingNeededComesLater() {
    var random = SplitMix(seed: 11)
    for _ in 0..<2_000 {
      let count = Int.random(in: 1...9, using: &random)
      let all = (0..<count).flatMap { one in (0..<count).map { (one, $0) } }
      var needs = [LibraryNeeds](repeating: LibraryNeeds(), count: count)
      for (one, other) in all where one != other {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: needs[one].declared.append(other)
        case 1: needs[one].used.append(other)
        default: break
        }
      }
      var reaches = needs.map { own in (0..<count).map { own.declared.contains($0) || own.used.contains($0) } }
      for middle in 0..<count {
        for (one, other) in all where reaches[one][middle] && reaches[middle][other] { reaches[one][other] = true }
      }
      let order = LibraryOrder.sorted(needs)
      #expect(order.sorted() == Array(0..<count))
      let position = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
      for (one, other) in all where one != other {
        if reaches[one][other], !reaches[other][one] { #expect(position[other]! < position[one]!, "\(needs)") }
        // Nothing stands between members of a group.
        guard reaches[one][other], reaches[other][one], position[one]! < position[other]! else { continue }
        for between in order[position[one]!...position[other]!] where between != one {
          #expect(reaches[one][between] && reaches[between][one], "\(needs): \(order)")
        }
      }
    }
  }

  @Test func manyLibrariesThatAllNeedEachOther() {
    let count = 600
    let needs = (0..<count).map { one in
      LibraryNeeds(declared: (0..<count).filter { $0 != one }, used: (0..<count).filter { $0 != one })
    }
    let begin = ContinuousClock.now
    #expect(LibraryOrder.sorted(needs).first == count - 1)
    // 720,000 edges: far below a second even without optimisation; anything worse than linear takes minutes.
    #expect(ContinuousClock.now - begin < .seconds(20))
  }
}
