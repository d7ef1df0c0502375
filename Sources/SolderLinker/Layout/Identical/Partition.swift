// The coarsest partition in which elements of one class lead to the same classes.
//
// Elements have edges to other elements, in a fixed order: the first, the second, … Two elements are to be told apart if
// something says so from the beginning (the first partition), or if for some position their edges lead to elements that
// are told apart. Asking again and again for all elements until nothing changes takes as many rounds as the longest chain
// of edges is long, each over everything. Instead, as J. Hopcroft found for automata, a class that falls apart leaves its
// number to its largest part. Only elements of the other parts have a new number, and only elements with an edge to one
// of those are looked at: an element gets a new number at most log n times, so that all takes O(m log n) steps (and
// another logarithm for sorting).
//
// In each round, before anything is split, the elements of a class have edges into the same classes as these were before
// the last round. So what tells them apart is which of their edges now lead to new numbers, and to which.

/// Elements in classes, each of which is a run in one array.
struct Partition {
  /// The members of a class stand together.
  private var elements: [UInt32] = []
  /// Where each element stands.
  private var places: [UInt32]
  private(set) var classes: [Range<Int>] = []
  /// The class of each element.
  private(set) var numbers: [UInt32]

  /// - Parameter classes: every element from 0 on, once.
  init(_ classes: [[UInt32]], count: Int) {
    places = Array(repeating: 0, count: count)
    numbers = places
    elements.reserveCapacity(count)
    for members in classes {
      let start = elements.count
      for member in members {
        places[Int(member)] = UInt32(elements.count)
        numbers[Int(member)] = UInt32(self.classes.count)
        elements.append(member)
      }
      self.classes.append(start..<elements.count)
    }
    precondition(elements.count == count)
  }

  /// The elements of a class, in no order.
  func members(of number: Int) -> ArraySlice<UInt32> { elements[classes[number]] }

  /// Edges of all elements: those of element n are `targets[starts[n]..<starts[n + 1]]`.
  struct Edges {
    var starts: [UInt32] = [0]
    var targets: [UInt32] = []

    /// For each element the edges that lead to it, by where they begin and which of the edges there they are.
    fileprivate var reversed: (starts: [UInt32], sources: [(element: UInt32, position: UInt32)]) {
      var next = Array(repeating: UInt32(0), count: starts.count)
      for target in targets { next[Int(target) + 1] += 1 }
      for index in 1..<next.count { next[index] += next[index - 1] }
      let first = next
      var sources = Array(repeating: (element: UInt32(0), position: UInt32(0)), count: targets.count)
      for element in 0..<starts.count - 1 {
        for edge in starts[element]..<starts[element + 1] {
          let target = Int(targets[Int(edge)])
          sources[Int(next[target])] = (UInt32(element), edge - starts[element])
          next[target] += 1
        }
      }
      return (first, sources)
    }
  }

  /// An edge whose target has a new number.
  private struct Change {
    var number: UInt32
    var element: UInt32
    var position: UInt32
    var target: UInt32

    static func isOrdered(_ left: Change, _ right: Change) -> Bool {
      (left.number, left.element, left.position) < (right.number, right.element, right.position)
    }
  }

  /// Splits classes until members of each have edges into the same classes.
  mutating func refine(by edges: Edges) {
    let (starts, sources) = edges.reversed
    // At first nothing is told apart but by the given classes.
    let largest = classes.indices.max { (classes[$0].count, -$0) < (classes[$1].count, -$1) }
    var changed = numbers.indices.filter { numbers[$0] != largest.map { UInt32($0) } }.map { UInt32($0) }
    while !changed.isEmpty {
      var changes: [Change] = []
      for target in changed {
        for source in sources[Int(starts[Int(target)])..<Int(starts[Int(target) + 1])] {
          let number = numbers[Int(source.element)]
          guard classes[Int(number)].count > 1 else { continue }
          changes.append(
            Change(
              number: number, element: source.element, position: source.position, target: numbers[Int(target)]))
        }
      }
      changes.sort(by: Change.isOrdered)
      changed.removeAll(keepingCapacity: true)
      for run in changes.runs(where: { $0.number == $1.number }) {
        split(Int(changes[run.lowerBound].number), by: changes[run], &changed)
      }
    }
  }

  /// Splits a class by the changes of its members' edges.
  private mutating func split(_ number: Int, by changes: ArraySlice<Change>, _ changed: inout [UInt32]) {
    var touched = changes.runs { $0.element == $1.element }
    func isBefore(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
      changes[left].lexicographicallyPrecedes(changes[right]) {
        ($0.position, $0.target) < ($1.position, $1.target)
      }
    }
    func element(_ run: Range<Int>) -> UInt32 { changes[run.lowerBound].element }
    touched.sort { isBefore($0, $1) || !isBefore($1, $0) && element($0) < element($1) }
    let groups = touched.runs { !isBefore($0, $1) }
    let untouched = classes[number].count - touched.count
    guard let largest = groups.max(by: { ($0.count, -$0.lowerBound) < ($1.count, -$1.lowerBound) }),
      untouched > 0 || groups.count > 1
    else { return }
    let keepsUntouched = untouched >= largest.count
    for group in groups where keepsUntouched || group != largest {
      separate(touched[group].map(element), from: number, &changed)
    }
    guard !keepsUntouched, untouched > 0 else { return }
    // What is left is the largest group and what no change concerns: the former goes to the front and stays.
    var place = classes[number].lowerBound
    for run in touched[largest] {
      exchange(Int(places[Int(element(run))]), place)
      place += 1
    }
    separate(Array(elements[place..<classes[number].upperBound]), from: number, &changed)
  }

  /// Makes some members of a class one of their own.
  private mutating func separate(_ members: [UInt32], from number: Int, _ changed: inout [UInt32]) {
    var end = classes[number].upperBound
    let upper = end
    for member in members {
      end -= 1
      exchange(Int(places[Int(member)]), end)
      numbers[Int(member)] = UInt32(classes.count)
    }
    classes[number] = classes[number].lowerBound..<end
    classes.append(end..<upper)
    changed += members
  }

  private mutating func exchange(_ one: Int, _ other: Int) {
    elements.swapAt(one, other)
    places[Int(elements[one])] = UInt32(one)
    places[Int(elements[other])] = UInt32(other)
  }
}

extension RandomAccessCollection where Index == Int {
  /// Runs of neighbours that belong together, in order.
  func runs(where isSame: (Element, Element) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = startIndex
    for index in indices where index > startIndex && !isSame(self[index - 1], self[index]) {
      runs.append(start..<index)
      start = index
    }
    if start < endIndex { runs.append(start..<endIndex) }
    return runs
  }
}
