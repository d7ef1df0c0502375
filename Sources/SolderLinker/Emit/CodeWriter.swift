import WebAssemblyFormat

/// Copies functions into the code section and writes their operands.
struct CodeWriter: Sendable {
  let program: Program
  let encoder: OperandEncoder
  let code: CodePlan
  /// The functions that the linker made, with their sizes in front.
  let bodies: [[UInt8]]

  /// Writes a run of functions of the result.
  ///
  /// - Parameters:
  ///   - positions: which, by their positions among those defined.
  ///   - start: where the section's payload begins in the result.
  func write(_ positions: Range<Int>, at start: Int, in window: OutputWindow) {
    let functions = program.indices.functions
    let units = program.resolution.units
    var first = positions.lowerBound
    while first < positions.upperBound {
      let unit = functions[first].unit
      var end = first + 1
      while end < positions.upperBound, functions[end].unit == unit { end += 1 }
      if unit == .own {
        for position in first..<end {
          window.write(bodies[Int(functions[position].index)], at: start + Int(code.offsets[position]))
        }
      } else {
        write(first..<end, of: units[unit], at: start, in: window)
      }
      first = end
    }
  }

  /// Writes functions that all come from one unit: what stands together in the file and keeps its size is copied at once.
  private func write(_ positions: Range<Int>, of unit: Unit, at start: Int, in window: OutputWindow) {
    let (references, functions) = (program.indices.functions, unit.functions)
    let file = unit.file.bytes
    let patcher = Patcher(unit, encoder)
    var first = positions.lowerBound
    while first < positions.upperBound {
      let function = functions[Int(references[first].index)]
      guard code.arePatched[first] else {
        let index = Int(references[first].index)
        let room = window.room(at: start + Int(code.offsets[first]), count: Int(code.sizes[first]))
        write(function, unit.body(ofFunction: index), patcher, to: room)
        first += 1
        continue
      }
      var end = first + 1
      var fileEnd = function.start + code.sizes[first]
      while end < positions.upperBound, code.arePatched[end],
        functions[Int(references[end].index)].start == fileEnd
      {
        fileEnd += code.sizes[end]
        end += 1
      }
      let count = Int(fileEnd - function.start)
      let room = window.room(at: start + Int(code.offsets[first]), count: count)
      if !room.copy(file, from: Int(function.start), count: count, to: 0) { reportMisfit(function, of: unit) }
      for position in first..<end {
        let index = Int(references[position].index)
        let body = functions[index].body
        let place = room.part(at: Int(body.start) - Int(function.start), count: Int(body.size))
        patcher.patchCode(unit.functionRelocations[index], from: body.start, in: place)
      }
      first = end
    }
  }

  /// Writes a function whose edits change its size.
  ///
  /// - Parameter room: as many bytes as were measured.
  private func write(_ function: Function, _ body: Fragment, _ patcher: Patcher, to room: OutputRoom) {
    var writer = FragmentWriter(room)
    writer.write(size: CodePlan.bodySize(ofTotal: room.count))
    writer.write(body, patcher, length: patcher.codeLength)
    if !writer.isComplete { reportMisfit(function, of: patcher.unit) }
  }

  private func reportMisfit(_ function: Function, of unit: Unit) {
    program.errors.report("\(unit.file.displayName): function '\(function.name)' is not as long as was measured")
  }
}
