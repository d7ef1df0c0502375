/// The function types in use. The first is the type of every function whose address is taken.
let signatures: [Signature] = [
  Signature(parameters: [.i32, .i32], results: [.i32], mangled: "ij"),
  Signature(parameters: [], results: [], mangled: ""),
  Signature(parameters: [.i32], results: [], mangled: "i"),
  Signature(parameters: [.i32], results: [.i32], mangled: "j"),
  Signature(parameters: [.i32, .i32], results: [], mangled: "ii"),
  Signature(parameters: [], results: [.i32], mangled: ""),
  Signature(parameters: [.i32, .i32, .i32], results: [.i32], mangled: "iij"),
  Signature(parameters: [.i32, .i32, .i32], results: [], mangled: "iPvj"),
  Signature(parameters: [.i32, .i32, .i32, .i32], results: [.i32], mangled: "iijj"),
  Signature(parameters: [.i32, .i64], results: [.i32], mangled: "ix"),
  Signature(parameters: [.i64], results: [.i64], mangled: "y"),
  Signature(parameters: [.i32, .f64], results: [.f64], mangled: "id"),
  Signature(parameters: [.f64, .f64], results: [.f64], mangled: "dd"),
  Signature(parameters: [.i32, .f32], results: [.f32], mangled: "if"),
  Signature(parameters: [.i32, .i64, .i64], results: [.i64], mangled: "iyy"),
  Signature(parameters: [.i32, .i32, .i32, .i32, .i32], results: [.i32], mangled: "iiijj"),
  Signature(parameters: [.i32, .i32, .i64], results: [], mangled: "ijy"),
  Signature(parameters: [.i64, .i32], results: [.i32], mangled: "xi"),
  Signature(parameters: [.i32, .i32, .i32, .i32, .i32, .i32], results: [], mangled: "iiijjj"),
  Signature(parameters: [.i32, .f64, .f64], results: [.i32], mangled: "idd"),
  Signature(parameters: [.f32], results: [.i32], mangled: "f"),
]

/// `() -> ()`, the type of a constructor and of `_start`.
let plainSignature = 1
/// `(i32) -> ()`.
let refillSignature = 2

/// A function anywhere in the program.
enum FunctionReference: Hashable {
  case function(file: Int, Int)
  case method(template: Int, Int)
}

/// Data anywhere in the program.
enum DataReference: Hashable {
  case data(file: Int, Int)
  case fuel
  case vtable(template: Int)
  case typeDescription(template: Int)
  case typeName(template: Int)
  case counter(template: Int)
  case typeVtable
}

/// The shape of a whole program: everything one file has to know of the others is computed from the seed, so files can
/// be written in any order and at the same time.
///
/// A linked program runs: each function that calls others spends one unit of fuel first and returns when none is left,
/// so that the program ends, and the checksum of its results tells whether addresses and indices were right.
struct Program: Sendable {
  enum DataKind {
    case words
    case zeroWords
    case constantWords
    case pointers
    case functionPointers
  }

  var seed: UInt64 = 1
  var files = 1000
  var functionsPerFile = 100
  /// Data symbols for every 100 functions; strings likewise.
  var dataDensity = 32
  var stringDensity = 25
  var cxxPercent = 40
  /// Files refer only to their own block and earlier ones: the first blocks are a program of their own.
  var block = 500
  /// Every file whose number is a multiple of it is needed by the program, and needs only such files.
  var stride = 1
  var templates = 0
  var templatesPerFile = 0
  var methodsPerTemplate = 12
  var debug = false
  var style = Style.absolute
  /// Files of one shared library.
  var library = Int.max
  /// File 0 is a whole program of this many functions, the others are a library that knows nothing of it.
  var wholeProgramFunctions: Int?

  var hasWholeProgram: Bool { wholeProgramFunctions != nil }

  func functions(in file: Int) -> Int {
    if let wholeProgramFunctions, file == 0 { return wholeProgramFunctions }
    return functionsPerFile
  }

  /// Functions that the program reaches; the rest is for the linker to drop.
  func liveFunctions(in file: Int) -> Int { functions(in: file) * 96 / 100 }

  func data(in file: Int) -> Int { max(8, functions(in: file) * dataDensity / 100) }

  func strings(in file: Int) -> Int { max(4, functions(in: file) * stringDensity / 100) }

  func style(of file: Int) -> Style {
    hasWholeProgram && file == 0 && style == .positionIndependent ? .absolute : style
  }

  // MARK: Functions

  func signature(_ reference: FunctionReference) -> Int {
    switch reference {
    case .function(let file, let function):
      if function == 0 || function % 5 == 3 { return 0 }
      let key = hash(seed, file, function, 10)
      // Small numbers are common, as in real programs.
      return key % 100 < 60 ? key / 128 % 9 : key / 128 % signatures.count
    case .method(let template, let method):
      return method % 3 == 0 ? 0 : hash(seed, template, method, 11) % signatures.count
    }
  }

  func name(_ reference: FunctionReference) -> String {
    switch reference {
    case .function(let file, let function):
      Names.function(
        seed, file, function, parameters: signatures[signature(reference)].mangled, cxxPercent: cxxPercent)
    case .method(let template, let method): Names.method(seed, template, method)
    }
  }

  func isStatic(_ function: Int) -> Bool { function % 3 == 1 }

  /// Whether a shared library exports the function.
  func isExported(_ function: Int) -> Bool { function % 3 == 0 }

  func isSameLibrary(_ first: Int, _ second: Int) -> Bool {
    if hasWholeProgram { return (first == 0) == (second == 0) }
    return first / library == second / library
  }

  // MARK: Data

  func kind(ofData index: Int) -> DataKind {
    switch index % 8 {
    case 0, 1, 2: .words
    case 3, 5: .zeroWords
    case 4: .constantWords
    case 6: .pointers
    default: .functionPointers
    }
  }

  func isStatic(data index: Int) -> Bool { ![0, 3, 4].contains(index % 8) }

  func isExported(data index: Int) -> Bool { [0, 3].contains(index % 8) }

  /// The size of a table, as the exponent of its number of words.
  func logWords(file: Int, data index: Int) -> Int {
    switch kind(ofData: index) {
    case .pointers, .functionPointers: 2
    default: 3 + hash(seed, file, index, 12) % 4
    }
  }

  // MARK: Relations

  /// The files whose first function the first function of `file` calls: a tree over each block.
  func children(ofFile file: Int) -> [Int] {
    if hasWholeProgram {
      if file == 0 { return [1] }
      return [2 * file, 2 * file + 1].filter { $0 < files }
    }
    guard file % stride == 0 else { return [] }
    let start = file / block * block
    let position = (file - start) / stride
    return [2 * position + 1, 2 * position + 2].map { start + $0 * stride }
      .filter { $0 < min(start + block, files) }
  }

  /// A file that `file` may refer to.
  func neighbour(of file: Int, _ random: inout Random) -> Int {
    if hasWholeProgram { return 1 + random.below(files - 1) }
    let step = file % stride == 0 ? stride : 1
    let ownBlock = file / block
    let chosen = ownBlock > 0 && random.chance(percent: 25) ? random.below(ownBlock) : ownBlock
    let start = chosen * block
    let size = min(block, files - start)
    // Some files are everybody's: allocation, formatting, errors.
    let count = (size + step - 1) / step
    let position = random.chance(percent: 30) ? random.below(min(count, 12)) : random.below(count)
    return start + position * step
  }

  /// A function of another file that `file` may call.
  func externalFunction(for file: Int, _ random: inout Random) -> FunctionReference? {
    guard files > 1 else { return nil }
    let other = neighbour(of: file, &random)
    guard other != file else { return nil }
    var function = random.below(liveFunctions(in: other))
    if isStatic(function) { function -= 1 }
    if !isSameLibrary(file, other) { function -= function % 3 }
    return .function(file: other, function)
  }

  /// Words of another file that `file` may read.
  func externalWords(for file: Int, _ random: inout Random) -> DataReference? {
    // A whole program knows a library by its functions only.
    guard files > 1, !(hasWholeProgram && file == 0) else { return nil }
    let other = neighbour(of: file, &random)
    guard other != file else { return nil }
    var index = random.below(data(in: other))
    index -= index % 8
    if random.chance(percent: 50), index + 3 < data(in: other) { index += 3 }
    return .data(file: other, index)
  }

  /// The instantiations that `file` uses: a few of them are used nearly everywhere.
  func templates(in file: Int) -> [Int] {
    guard templatesPerFile > 0 else { return [] }
    var random = Random(seed, UInt64(file), 13)
    var chosen: [Int] = []
    while chosen.count < min(templatesPerFile, templates / 2) {
      let first = random.below(templates)
      let second = random.below(templates)
      let template = random.chance(percent: 70) ? first * second / templates : first
      if !chosen.contains(template) { chosen.append(template) }
    }
    return chosen.sorted()
  }
}
