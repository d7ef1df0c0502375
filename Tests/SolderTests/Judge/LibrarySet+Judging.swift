import Foundation

extension LibrarySet: JudgedSet {
  struct Question: Encodable, Sendable {
    struct Library: Encodable, Sendable {
      var name: String
      var bytes: String
      var memory: Int
      var alignment: Int
      var table: Int
      var threadSize: Int
      var needed: [String]
    }

    let kind = "libraries"
    var seed: UInt64
    var is64: Bool
    var isThreaded: Bool
    var threadNames: [String]
    var libraries: [Library]
    var program: String?
    var numbers: [String]
    var aliases: [String: String]
    var result: String?
    var errors: [String]
    var calls: [[WebAssemblyHost.Word]]
  }

  var isEmpty: Bool { libraries.allSatisfy(\.isRemoved) }

  func question(_ seed: UInt64, _ files: [String: [UInt8]], _ run: LinkInProcess) -> JudgeQuestion {
    func encoded(_ bytes: [UInt8]?) -> String { Data(bytes ?? []).base64EncodedString() }
    let loaded = Dictionary(uniqueKeysWithValues: self.files(forLoader: true).map { ($0.name, $0.builder.bytes) })
    let width = is64 ? 8 : 4
    return .libraries(
      Question(
        seed: seed, is64: is64, isThreaded: isThreaded,
        threadNames: Set(libraries.flatMap { $0.threadExports.map(\.name) }).sorted(),
        libraries: order.filter { !libraries[$0].isRemoved }.map { place in
          let library = libraries[place]
          return .init(
            name: library.name, bytes: encoded(loaded[library.name]),
            memory: LibraryWriter(set: self, library: library).blockSize,
            alignment: library.alignment, table: library.slots.count, threadSize: library.threadCells.count * width,
            needed: library.needed.filter { !libraries[$0].isRemoved }.map { libraries[$0].name })
        }, program: program.map { _ in encoded(files["program.wasm"]) }, numbers: Set(numberNames).sorted(),
        aliases: dataAliases,
        result: run.bytes.map { Data($0).base64EncodedString() }, errors: run.errors, calls: calls.map(\.words)))
  }

  var reductions: [(inout LibrarySet) -> Bool] {
    var result: [(inout LibrarySet) -> Bool] = []
    for index in libraries.indices {
      result.append { set in
        defer { set.libraries[index].isRemoved = true }
        return !set.libraries[index].isRemoved
      }
    }
    result.append { set in
      defer { set.program = nil }
      return set.program != nil
    }
    result.append { set in
      defer { set.options = [] }
      return !set.options.isEmpty
    }
    result.append { set in
      defer { set.calls = [] }
      return !set.calls.isEmpty
    }
    for call in calls.indices.reversed() {
      result.append { set in
        guard call < set.calls.count else { return false }
        set.calls.remove(at: call)
        return true
      }
    }
    for (index, library) in libraries.enumerated() where !library.isRemoved {
      for change: (inout Library) -> Bool in [
        { library in library.needed.popLast() != nil },
        { library in
          defer { library.secondSegment = nil }
          return library.secondSegment != nil
        },
        { library in library.reexports.popLast() != nil },
        { library in library.dataReexports.popLast() != nil },
        { library in
          defer { library.threadLocal = [] }
          return !library.threadLocal.isEmpty
        },
        { library in
          defer { library.constructor = nil }
          return library.constructor != nil
        },
        { library in
          defer { library.start = nil }
          return library.start != nil
        },
        { library in
          defer {
            if library.threadSetUp != .named {
              library.hasNames = false
              library.padsOperands = false
            }
            library.isLegacy = false
          }
          return library.hasNames || library.padsOperands || library.isLegacy
        },
        { library in
          defer { library.relocation = .exported }
          return library.relocation != .exported
        },
      ] {
        result.append { set in change(&set.libraries[index]) }
      }
      for change: (inout Library) -> Bool in [
        { library in
          defer { library.destructor = nil }
          return library.destructor != nil
        },
        { library in library.threadExports.popLast() != nil },
        { library in
          defer { library.threadSetUp = .exported }
          return library.threadSetUp != .exported
        },
        { library in
          defer { library.isOptimized = false }
          return library.isOptimized
        },
        { library in
          defer { library.startsFirstThread = true }
          return !library.startsFirstThread
        },
      ] {
        result.append { set in change(&set.libraries[index]) }
      }
      for export in library.exports.indices.reversed() {
        result.append { set in
          guard export < set.libraries[index].exports.count else { return false }
          set.libraries[index].exports.remove(at: export)
          return true
        }
      }
      for place in library.cells.indices {
        result.append { set in
          defer { set.libraries[index].cells[place] = .number(1) }
          return !set.libraries[index].cells[place].isNumber
        }
      }
      for place in library.functions.indices {
        result.append { set in set.libraries[index].functions[place].exports.popLast() != nil }
        for step in library.functions[place].body.indices.reversed() {
          result.append { set in
            guard step < set.libraries[index].functions[place].body.count else { return false }
            set.libraries[index].functions[place].body.remove(at: step)
            return true
          }
        }
      }
    }
    return result
  }

  var text: String {
    var lines = [(["solder"] + words).joined(separator: " ")]
    if isThreaded { lines.append("for threads: a second one instantiates all once more, on the same memory") }
    for library in libraries where !library.isRemoved {
      let needed = library.needed.filter { !libraries[$0].isRemoved }.map { libraries[$0].name }
      lines.append(
        "\(library.name), needs \(needed), aligned to 2^\(library.alignment), relocated \(library.relocation)"
          + (library.isLegacy ? ", with the old section" : ""))
      lines += library.cells.enumerated().map { place, cell in
        "  cell \(place) \(cell) \(library.exports.filter { $0.cell == place }.map(\.name))"
      }
      if !library.threadCells.isEmpty {
        let start = library.startsFirstThread ? "the start function sets up the first" : "the first is as all others"
        lines.append(
          "  each thread has a copy of these, set up by what is \(library.threadSetUp)\(library.isOptimized ? ", optimised" : ""); \(start)"
        )
        lines += library.threadCells.enumerated().map { place, cell in
          "  thread cell \(place) \(cell) \(library.threadExports.filter { $0.cell == place }.map(\.name))"
        }
      }
      for (place, function) in library.functions.enumerated() where !function.exports.isEmpty || !function.body.isEmpty
      {
        lines.append("  function \(place) of \(function.parameters) i32, exported as \(function.exports)")
        lines += function.body.map { "      \($0)" }
      }
      lines += library.reexports.map { "  exports the import \($0.of) as \($0.name)" }
      lines += library.dataReexports.map { "  exports the imported data \($0.of) as \($0.name)" }
      if !library.threadLocal.isEmpty { lines.append("  thread-local: \(library.threadLocal.sorted())") }
      if !library.slots.isEmpty { lines.append("  table of functions \(library.slots)") }
      if let steps = library.constructor { lines.append("  constructor \(steps)") }
      if let steps = library.destructor { lines.append("  destructor \(steps)") }
      if let steps = library.start { lines.append("  start \(steps)") }
    }
    for function in program?.functions ?? [] {
      lines.append("program.wasm: function of \(function.parameters) i32, exported as \(function.exports)")
      lines += function.body.map { "      \($0)" }
    }
    lines += calls.map { "call \($0.name) \($0.arguments)" }
    return lines.joined(separator: "\n") + "\n"
  }
}
