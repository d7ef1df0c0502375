import WebAssemblyFormat

// Places in code that was translated before it was read.
//
// What a file says of places in its code (debug information, source maps, annotations) counts in the code that it had. Where
// each instruction went is noted when a body is translated; so such a place is told in the old body up to the moment at
// which it becomes one of the result (`Emit/BodyMaps.swift`).

/// Where the code of a module was before it was translated.
struct CodeTranslation: Sendable {
  /// Where a body was in the file: the number that tells its size, the body, and its end.
  struct Body {
    var start: UInt32
    var body: UInt32
    var end: UInt32
  }

  /// Where an instruction began in the body, and begins.
  struct Place {
    var old: UInt32
    var new: UInt32
  }

  /// The payload of the code section in the file as it was.
  var payload: Range<Int>
  /// By function that the module defines.
  var bodies: [Body] = []
  /// Of functions whose bodies changed: where all instructions are, the local declarations in front of them, and the end.
  var places: [Int: [Place]] = [:]

  /// Where a place in a body is now; what stood inside of an instruction is as far behind its begin.
  func newOffset(of old: Int, in function: Int) -> Int {
    guard let places = places[function] else { return old }
    let index = places.indices.partitionPoint { Int(places[$0].old) <= old }
    return index == 0 ? old : Int(places[index - 1].new) + old - Int(places[index - 1].old)
  }

  /// Where an instruction of a body was, or the one that it belongs to.
  func oldOffset(of new: Int, in function: Int) -> Int {
    guard let places = places[function] else { return new }
    let index = places.indices.partitionPoint { Int(places[$0].new) <= new }
    return index == 0 ? new : Int(places[index - 1].old)
  }
}

extension InputModule {
  /// Where the payload of the code section was in the file, from which what the file says of places in code counts.
  var oldCodePayload: Range<Int>? { translation?.payload ?? code.map { $0.payload.offset..<$0.payload.end } }
}

extension Unit {
  /// Where an instruction was in the file, before it was translated.
  func oldPlace(of place: Int) -> Int {
    guard let translation = module.translation else { return place }
    let index = functions.indices.partitionPoint { Int(functions[$0].body.start) <= place } - 1
    guard index >= 0, let body = translation.bodies[checked: index] else { return place }
    return Int(body.body) + translation.oldOffset(of: place - Int(functions[index].body.start), in: index)
  }
}
