import WebAssemblyFormat

extension FunctionEffects {
  /// Reads a function, and all that it calls directly.
  ///
  /// - Parameter done: what does not run any more.
  init(of function: FunctionIndex, in unit: ModuleDraft, without done: DoneCode) {
    self = []
    var seen: Set<FunctionIndex> = [function]
    var waiting = [function]
    while let next = waiting.popLast() {
      guard let body = unit.body(of: next) else {
        insert(.leaves)
        continue
      }
      var reader = body
      do throws(FormatError) {
        var runs = (done.runs[next] ?? [])[...]
        while let instruction = try reader.next() {
          while let run = runs.first, run.upperBound <= instruction.offset { runs.removeFirst() }
          if runs.first?.contains(instruction.offset) == true { continue }
          formUnion(FunctionEffects(of: instruction.opcode))
          guard instruction.opcode == .call || instruction.opcode == .returnCall,
            !done.calls.contains(instruction.operandOffset)
          else { continue }
          let callee = FunctionIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
          if seen.insert(callee).inserted { waiting.append(callee) }
        }
      } catch {
        insert(.leaves)
      }
    }
  }

  private init(of opcode: Opcode) {
    self = opcode.rawValue < FunctionEffects.table.count ? FunctionEffects.table[Int(opcode.rawValue)] : .leaves
  }

  /// By opcode; the names of instructions say what they are about.
  private static let table: [FunctionEffects] = (UInt16(0)..<0x600).map { number in
    let opcode = Opcode(rawValue: number)
    let name = opcode.description
    switch opcode {
    case .globalSet: return .setsVariables
    case .callIndirect, .returnCallIndirect, .memoryGrow: return .leaves
    case .memoryInit, .memoryFill: return .writesMemory
    case .memorySize: return []
    default: break
    }
    if name.hasPrefix("call_ref") || name.hasPrefix("return_call_ref") || name.hasPrefix("table.") { return .leaves }
    let isAtomic = name.contains("atomic")
    var effects: FunctionEffects = []
    if name.contains("load") || name.hasPrefix("memory.") || isAtomic { effects.insert(.readsMemory) }
    if name.contains("store") || name.hasPrefix("memory.") || isAtomic { effects.insert(.writesMemory) }
    return effects
  }
}

extension ModuleDraft {
  /// The instructions of a function of the index space; `nil` for an imported one, and where the locals are damaged.
  func body(of function: FunctionIndex) -> InstructionReader? {
    let index = Int(function) - functionImports.count
    guard index >= 0, index < functions.count else { return nil }
    var code = file.reader(of: functions[index].body)
    guard (try? code.skipLocals()) != nil else { return nil }
    return InstructionReader(code)
  }

  /// The functions that a function calls directly, or by way of others.
  func callees(of function: FunctionIndex) -> Set<FunctionIndex> {
    var found: Set<FunctionIndex> = []
    var waiting = [function]
    while let next = waiting.popLast() {
      guard var reader = body(of: next) else { continue }
      while let instruction = try? reader.next() {
        guard instruction.opcode == .call || instruction.opcode == .returnCall else { continue }
        let callee = FunctionIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
        if found.insert(callee).inserted { waiting.append(callee) }
      }
    }
    return found
  }
}
