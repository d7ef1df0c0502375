import WebAssemblyFormat

/// How long operands are made that edits write.
enum OperandLength {
  /// As short as possible.
  case shortest
  /// At least as long as what they replace, so that nothing behind them moves.
  case asWritten
  /// As long as a linker may need to write anything: operands that have a relocation are padded, all others short.
  case patchable
}

extension Relocation {
  /// How many bytes an edit of code takes at least, with the opcode where it writes one.
  @inline(__always)
  func width(_ length: OperandLength) -> Int {
    switch length {
    case .shortest: 0
    case .asWritten: Int(width)
    case .patchable: patchableWidth
    }
  }

  /// The same, of `global.get` that turned out to read an address, and so becomes a constant.
  func constantWidth(_ length: OperandLength) -> Int {
    guard length == .patchable else { return width(length) }
    return 1 + (encoding == .globalGet64 ? RelocationKind.memoryAddressSLEB64 : .memoryAddressSLEB).width
  }

  /// The width where a linker may write another number there later.
  private var patchableWidth: Int {
    switch encoding {
    case .nothing, .indexedSum, .indexedOffset: 0
    case .globalGet32, .globalGet64: 1 + RelocationKind.globalIndexLEB.width
    case .constant32, .indexedBase32: kind == .constantNumber ? 0 : 1 + RelocationKind.memoryAddressSLEB.width
    case .constant64, .indexedBase64: kind == .constantNumber ? 0 : 1 + RelocationKind.memoryAddressSLEB64.width
    case .operand:
      switch kind {
      case .memoryIndex, .implicitMemory, .dataIndex, .elementIndex, .constantNumber, .removedCall: 0
      default: kind.width
      }
    }
  }
}
