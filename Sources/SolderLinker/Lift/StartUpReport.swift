/// Tells which start-up code of a shared library could not be done at link time.
struct StartUpReport {
  private let unit: Unit
  private let file: String
  private let kept: [KeptStartUpCode]
  /// Segments that code copies are in their place only when that has run: so has what relocates them.
  private let hasPassiveSegments: Bool

  init(_ unit: Unit, _ facts: LiftedFacts) {
    self.unit = unit
    file = unit.file.displayName
    kept = facts.keptStartUpCode
    hasPassiveSegments = unit.segments.contains { $0.placement == .passive }
  }

  /// One line for each place, and a warning that sums up what relocates.
  func write(_ diagnostics: Diagnostics) {
    for code in kept {
      for statement in code.statements {
        diagnostics.log(
          "\(file): \(code.name) is called at start: \(statement.opcode) at offset 0x\(String(statement.offset, radix: 16)) stays"
            + "\(SourceLines.suffix(ofInstruction: statement.offset, in: unit)): \(statement.reason)")
      }
      if code.count > code.statements.count {
        diagnostics.log("\(file): \(code.name): \(code.count - code.statements.count) more stay")
      }
    }
    let bytes = kept.reduce(0) { $0 + ($1.relocates ? $1.size : 0) }
    if bytes > 0, !hasPassiveSegments, diagnostics.warnsOfStartUpCode {
      diagnostics.warn(
        "\(file): \(bytes) bytes of relocation code cannot be done at link time and run at start "
          + "(--verbose says which; --no-warn-start-up-code)", .startUp, in: file)
    }
  }
}
