import WebAssemblyFormat

/// Both ways to find the operands of code, and the reader of single instructions.
enum FuzzCode {
  private struct Recorder: OperandVisitor {
    static var wantsImplicitMemory: Bool { true }
    var operands: [Operand] = []

    mutating func operand(_ operand: Operand) throws(FormatError) { operands.append(operand) }
  }

  /// The same body several times.
  private struct Bodies: BodyVisitor {
    static var wantsImplicitMemory: Bool { true }
    var bodies: [ScannedBody]
    var operands: [[Operand]] = []
    var errors: [FormatError?] = []

    mutating func nextBody() -> ScannedBody? {
      guard let body = bodies.popLast() else { return nil }
      operands.append([])
      errors.append(nil)
      return body
    }

    mutating func fail(_ error: FormatError) { errors[errors.count - 1] = error }

    mutating func operand(_ operand: Operand) throws(FormatError) { operands[operands.count - 1].append(operand) }
  }

  static func run(_ bytes: [UInt8]) {
    // What the fast scanner may read behind a body must not matter.
    let padded = bytes + Array(repeating: 0x0B, count: 20)
    unsafe padded.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let reader = unsafe ByteReader(base, 0..<bytes.count)
      func row(_ ends: [Int]) -> Bodies { Bodies(bodies: ends.map { ScannedBody(reader, readableEnd: $0) }) }
      var rows = (
        row([bytes.count]), row([padded.count, bytes.count]), row([bytes.count + 7]), row([padded.count])
      )
      scanBodies(&rows.0, &rows.1, &rows.2, &rows.3, notesPlaces: bytes.count & 1 == 0)
      compare(reader, [rows.0, rows.1, rows.2, rows.3])
    }
  }

  private static func compare(_ reader: ByteReader, _ rows: [Bodies]) {
    var careful = Recorder()
    var rest = reader
    var failure: FormatError?
    do throws(FormatError) {
      var locals = reader
      var ignored = Recorder()
      _ = try? scanLocals(&locals, &ignored)
      try scanInstructions(&rest, &careful)
    } catch {
      failure = error
      FuzzTarget.require(0...reader.end ~= error.offset, "an error at \(error.offset) of \(reader.end)")
    }
    let isWhole = failure == nil && rest.offset == reader.end
    for row in rows {
      for (operands, error) in zip(row.operands, row.errors) {
        if isWhole {
          FuzzTarget.require(error == nil, "only the fast scanner refuses: \(String(describing: error))")
          FuzzTarget.require(
            operands.map(\.offset) == careful.operands.map(\.offset)
              && operands.map(\.value) == careful.operands.map(\.value)
              && operands.map(\.kind) == careful.operands.map(\.kind), "the scanners find different operands")
        } else if error == nil {
          // Bodies are taken at their word about which block they are in, and numbers and types that have
          // nothing to report about what they are.
          let message = failure?.message ?? ""
          FuzzTarget.require(
            message.contains(" without ") || message.hasPrefix("LEB128") || message.hasPrefix("unknown type"),
            "only the fast scanner accepts: \(String(describing: failure)), \(rest.offset) of \(reader.end)")
        }
      }
    }
    guard failure == nil else { return }
    // Numbers that the scanners step over it decodes, so it may refuse one.
    var instructions = InstructionReader(reader)
    do throws(FormatError) {
      while try instructions.next() != nil {}
      FuzzTarget.require(instructions.reader.offset == rest.offset, "the reader of instructions ends elsewhere")
    } catch {
      FuzzTarget.require(0...reader.end ~= error.offset, "an error at \(error.offset) of \(reader.end)")
    }
  }
}
