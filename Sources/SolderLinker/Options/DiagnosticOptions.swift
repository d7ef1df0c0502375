/// How messages are shown, and when they stop the link.
public struct DiagnosticOptions: Sendable, Equatable {
  /// When messages are coloured.
  public enum Color: Sendable, Equatable {
    /// When standard error is a terminal.
    case automatic
    case always
    case never
  }

  /// Errors shown before the rest is suppressed (`--error-limit`); 0 shows all.
  public var errorLimit = 20
  /// Warnings count as errors (`--fatal-warnings`).
  public var fatalWarnings = false
  /// There is a warning when relocation code of a shared library has to run at start (`--warn-start-up-code`).
  public var warnsOfStartUpCode = true
  /// There is a warning when a module with a memory of its own calls what works in the program's (`--warn-foreign-memory`).
  public var warnsOfForeignMemory = true
  public var color = Color.automatic
  /// What the linker does is told as it goes (`--verbose`).
  public var verbose = false

  public init() {}
}
