import WebAssemblyFormat

/// Which instructions catch exceptions. There are two proposals, and no known engine takes a module that has both: those
/// that know the older one refuse the mixture, the others have never known it.
enum ExceptionForm {
  /// `try`, `catch`, `rethrow`, `delegate`.
  case legacy
  /// `try_table`, `throw_ref` (WebAssembly 3.0).
  case standard

  init?(_ opcode: Opcode) {
    switch opcode {
    case .try, .catch, .catchAll, .rethrow, .delegate: self = .legacy
    case .tryTable, .throwRef: self = .standard
    default: return nil
    }
  }
}

/// The functions of a finished module that catch exceptions, in their order, by what their code was found to have.
struct CatchingFunctions: Sendable {
  private var functions: [(function: Int, form: ExceptionForm)] = []

  mutating func note(_ function: Int, _ form: ExceptionForm) {
    if let last = functions.last, last == (function, form) { return }
    functions.append((function, form))
  }

  mutating func append(_ others: CatchingFunctions) { functions += others.functions }

  /// The form of the first that is asked about.
  func first(among isAskedAbout: (Int) -> Bool) -> ExceptionForm? {
    functions.first { isAskedAbout($0.function) }?.form
  }
}

extension Unit {
  /// The form of the first of its functions that catches exceptions, among those that are asked about.
  func exceptionForm(among isAskedAbout: (Int) -> Bool = { _ in true }) -> ExceptionForm? {
    contracts.hasRelocationSections
      ? module.exceptionForm(among: isAskedAbout) : codeFacts.catching.first(among: isAskedAbout)
  }
}

extension InputModule {
  /// Whether the code of an object may catch exceptions at all.
  private var mayCatchExceptions: Bool {
    !tags.isEmpty || !tagImports.isEmpty || features.contains { $0.name == "exception-handling" }
  }

  /// The form of the first of its functions that catches exceptions, among those that are asked about.
  fileprivate func exceptionForm(among isAskedAbout: (Int) -> Bool) -> ExceptionForm? {
    guard mayCatchExceptions else { return nil }
    for (index, function) in functions.enumerated() where isAskedAbout(index) {
      if let form = ExceptionForm.first(in: file.reader(of: function.body)) { return form }
    }
    return nil
  }
}

extension ExceptionForm {
  /// The form of the first instruction of a body that has one.
  static func first(in body: ByteReader) -> ExceptionForm? {
    var reader = body
    // What cannot be read was told of, or will be.
    guard (try? reader.skipLocals()) != nil else { return nil }
    var instructions = InstructionReader(reader)
    while let instruction = try? instructions.next() {
      if let form = ExceptionForm(instruction.opcode) { return form }
    }
    return nil
  }
}
