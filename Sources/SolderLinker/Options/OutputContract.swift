/// What the kind of the result means for the passes, each question by name.
struct OutputContract: Sendable {
  private let kind: OutputKind

  init(_ kind: OutputKind) { self.kind = kind }

  private var isLinkedAgain: Bool { kind == .relocatable }

  /// Addresses are known when the result is loaded, not before.
  var isPositionIndependent: Bool { kind == .shared || kind == .pie }
  /// Relocations are part of the result, whatever the options say.
  var keepsRelocations: Bool { isLinkedAgain }
  /// Everything has to be said in the format of objects: what a finished module does beyond that is an error, and its
  /// memory is a segment that the next link places.
  var isObject: Bool { isLinkedAgain }
  /// Libraries come along that other libraries need.
  var bringsNeededLibraries: Bool { kind == .executable }
  /// Functions of COMDAT groups that lost to another file's are kept, as all functions are.
  var keepsDiscardedFunctions: Bool { isLinkedAgain }
  /// COMDAT groups stay groups, for another link to choose from.
  var keepsGroups: Bool { isLinkedAgain }

  /// The linker defines symbols of its own: the stack pointer, addresses of the layout, functions that set the program
  /// up.
  var definesOwnSymbols: Bool { !isLinkedAgain }
  /// Something has to call the constructors.
  var callsConstructors: Bool { !isLinkedAgain }
  /// The program starts with a function, unless the options say that it does not.
  var hasEntry: Bool { !isLinkedAgain }
  /// Its entry is what sets it up, and not where a program begins: without one, its constructors are lost.
  var isSetUpByEntry: Bool { kind == .shared }
  /// The result runs its own destructors.
  var callsDestructors: Bool { kind == .executable || kind == .pie }
  /// What a name without a definition becomes is decided now: an import, a trap, null, or an error.
  var settlesUndefined: Bool { !isLinkedAgain }
  /// Nobody else can define what is still undefined: what may be null is, and what all share is made here.
  var standsAlone: Bool { kind == .executable }
  /// Symbols become exports.
  var exportsSymbols: Bool { !isLinkedAgain }
  /// At run time another module's definition may take the place of a weak one.
  var weakMayBeReplaced: Bool { kind == .shared }
  /// Everything that is not hidden is exported, unless the options say otherwise.
  var exportsDynamically: Bool { kind == .shared }
  /// Without other wish, memory is imported.
  var importsMemory: Bool { kind == .shared }
  /// The end of the data is a symbol of the program.
  var definesDataEnd: Bool { kind != .shared }
  /// The stack is placed here.
  var placesStack: Bool { kind == .executable }
  /// Zero-initialised and thread-local data are told apart from other data.
  var formsSegments: Bool { !isLinkedAgain }
}

extension LinkOptions {
  /// What the kind of the result means.
  var contract: OutputContract { OutputContract(output) }
}
