// A program in Embedded Swift: classes, generics, existential-free protocols, strings and dictionaries, on top of libc.

@_extern(c, "putchar") @discardableResult func putchar(_ character: Int32) -> Int32

func show(_ text: String) {
  for byte in text.utf8 { putchar(Int32(byte)) }
  putchar(10)
}

class Shape {
  let name: StaticString
  init(name: StaticString) { self.name = name }
  deinit { show("a shape goes") }
  func area() -> Int { 0 }
}

final class Square: Shape {
  let side: Int
  init(side: Int) {
    self.side = side
    super.init(name: "square")
  }
  override func area() -> Int { side * side }
}

final class Circle: Shape {
  let radius: Int
  init(radius: Int) {
    self.radius = radius
    super.init(name: "circle")
  }
  override func area() -> Int { 3 * radius * radius }
}

protocol Measure { static func measure(_ shapes: [Shape]) -> Int }
enum Sum: Measure { static func measure(_ shapes: [Shape]) -> Int { shapes.reduce(0) { $0 + $1.area() } } }
enum Largest: Measure { static func measure(_ shapes: [Shape]) -> Int { shapes.map { $0.area() }.max() ?? 0 } }

func report<M: Measure>(_ measure: M.Type, _ title: String, _ shapes: [Shape]) {
  show("\(title): \(measure.measure(shapes))")
}

nonisolated(unsafe) var counter = [3, 1, 2].sorted()

@main struct Program {
  static func main() {
    let shapes: [Shape] = [Square(side: 3), Circle(radius: 2), Square(side: 5)]
    report(Sum.self, "sum", shapes)
    report(Largest.self, "largest", shapes)
    var counts: [Character: Int] = [:]
    for character in "relocation and resolution" { counts[character, default: 0] += 1 }
    for key in counts.keys.sorted() where counts[key]! > 2 { show("\(key) \(counts[key]!)") }
    counter.append(shapes.count)
    show(counter.map { "\($0 * 2)" }.joined(separator: ", "))
    let unicode = "Über" == "U\u{308}ber"
    show(unicode ? "equal" : "different")
    show("naïve café".uppercased())
  }
}
