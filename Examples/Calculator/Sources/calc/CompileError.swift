/// A place in the source, both counted from 1; columns count bytes.
struct Position: Equatable {
  var line: Int
  var column: Int
}

/// A mistake in the program, with the place to show.
struct CompileError: Error {
  var message: String
  var position: Position

  init(_ message: String, at position: Position) {
    self.message = message
    self.position = position
  }
}
