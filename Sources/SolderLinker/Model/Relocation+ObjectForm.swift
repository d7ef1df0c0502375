import WebAssemblyFormat

/// How code finds data.
enum DataAccess {
  /// By an address.
  case address
  /// By a global that has the address, which may be another one in each thread.
  case variable
  /// By what is added to `__tls_base`.
  case threadLocal
}

/// How the format of objects says what an edit does (tool-conventions, Linking.md, Relocation Sections).
enum ObjectForm {
  /// What is written is final.
  case final
  /// A relocation of this kind for the operand, so many bytes behind the beginning of what is written.
  case relocation(RelocationKind, leadingBytes: UInt32)
  /// Relocations for the two operands of `global.get __tls_base` and of the constant that is added to it.
  case threadLocalSum(RelocationKind)
  /// Not at all; what the code does there.
  case none(StaticString)
}

extension Relocation {
  /// How an object says the edit.
  ///
  /// - Parameters:
  ///   - targetKind: what the edit is about, where it is about a symbol.
  ///   - access: how code finds data that the edit is about.
  func objectForm(_ targetKind: SymbolKind?, _ access: DataAccess) -> ObjectForm {
    switch encoding {
    case .constant32 where kind == .constantMemoryAddress && access == .variable,
      .constant64 where kind == .constantMemoryAddress && access == .variable:
      .relocation(.globalIndexLEB, leadingBytes: 1)
    case .constant32 where kind == .constantMemoryAddress && access == .threadLocal:
      .threadLocalSum(.memoryAddressTLSSLEB)
    case .constant64 where kind == .constantMemoryAddress && access == .threadLocal:
      .threadLocalSum(.memoryAddressTLSSLEB64)
    case .globalGet32 where targetKind == .data && access == .threadLocal,
      .globalGet64 where targetKind == .data && access == .threadLocal:
      .none("reads the address of thread-local data as a constant")
    case .nothing: .final
    // Code of an object keeps its offsets as they are.
    case .indexedBase32, .indexedBase64, .indexedSum, .indexedOffset: .none("has an address in the offset of an access")
    case .globalGet32, .globalGet64:
      targetKind == .data
        ? .relocation(encoding == .globalGet64 ? .memoryAddressSLEB64 : .memoryAddressSLEB, leadingBytes: 1)
        : .relocation(.globalIndexLEB, leadingBytes: 1)
    case .constant32: constantForm(.memoryAddressSLEB, .tableIndexSLEB, targetKind)
    case .constant64: constantForm(.memoryAddressSLEB64, .tableIndexSLEB64, targetKind)
    case .operand: operandForm
    }
  }

  private func constantForm(
    _ address: RelocationKind, _ slot: RelocationKind, _ targetKind: SymbolKind?
  ) -> ObjectForm {
    switch kind {
    case .constantNumber: .final
    case .constantMemoryAddress:
      targetKind == .data ? .relocation(address, leadingBytes: 1) : .none("takes the address of what is no data")
    case .constantTableIndex where !hasTarget: .none(Self.blockSlot)
    case .constantTableIndex where storedAddend != 0 || hasWideAddend: .none(Self.computedSlot)
    case .constantTableIndex: .relocation(slot, leadingBytes: 1)
    default: .none("has a constant of which nothing is known")
    }
  }

  private static let blockSlot: StaticString = "computes with slots of the function table (__table_base)"
  private static let computedSlot: StaticString = "computes with the slot of a function in the table"

  private var operandForm: ObjectForm {
    switch kind {
    // Block types are signed numbers, which look the same as long as they are not negative.
    case .signedTypeIndex: .relocation(.typeIndexLEB, leadingBytes: 0)
    // There is only one memory.
    case .memoryIndex: target == 0 ? .final : .none("uses another memory")
    case .implicitMemory: .none("uses another memory")
    case .tableIndexI32 where !hasTarget, .tableIndexI64 where !hasTarget: .none(Self.blockSlot)
    case .tableIndexI32 where storedAddend != 0 || hasWideAddend,
      .tableIndexI64 where storedAddend != 0 || hasWideAddend:
      .none(Self.computedSlot)
    case .dataIndex: .none("names a data segment")
    case .elementIndex: .none("names an element segment")
    case .constantNumber, .removedCall: .final
    case .constantMemoryAddress, .constantTableIndex, .constantTLSOffset: .none("has an operand that nothing says")
    default: .relocation(kind, leadingBytes: 0)
    }
  }
}
