/// What may fail.
extension ModuleSet.Module {
  /// Whether a step may trap or throw.
  func isRisky(_ step: ModuleSet.Step) -> Bool {
    func isOutside(_ memory: Int, _ end: Int) -> Bool {
      guard case .memory(let limits) = entities[memory].type else { return true }
      return UInt64(end) > limits.minimum * UInt64(limits.pageSize == 0 ? 1 : 65536)
    }
    func isBeyond(_ table: Int, _ end: Int) -> Bool {
      guard case .table(_, let limits) = entities[table].type else { return true }
      return UInt64(end) > limits.minimum
    }
    switch step {
    case .call(let function): return entities[function].isRisky
    case .callIndirect, .callReference, .throwSometimes: return true
    case .callAndCatch(let function, _): return entities[function].isRisky
    case .load(let memory, let address), .store(let memory, let address): return isOutside(memory, address + 8)
    case .memoryInit(_, _, _, let count): return count > 0
    case .memoryCopy(let to, let from, let address, let source, let count):
      return isOutside(to, address + count) || isOutside(from, source + count)
    case .memoryFill(let memory, let address, let count): return isOutside(memory, address + count)
    case .tableIsNull(let table, let slot), .tableSet(let table, let slot, _): return isBeyond(table, slot + 1)
    case .tableInit(_, _, _, let count): return count > 0
    case .tableCopy(let to, let from, let slot, let source, let count):
      return isBeyond(to, slot + count) || isBeyond(from, source + count)
    default: return false
    }
  }
}
