/// Opcodes the generator writes.
enum Opcode {
  static let block: UInt8 = 0x02
  static let loop: UInt8 = 0x03
  static let `if`: UInt8 = 0x04
  static let `else`: UInt8 = 0x05
  static let end: UInt8 = 0x0b
  static let branchIf: UInt8 = 0x0d
  static let branchTable: UInt8 = 0x0e
  static let `return`: UInt8 = 0x0f
  static let call: UInt8 = 0x10
  static let callIndirect: UInt8 = 0x11
  static let drop: UInt8 = 0x1a
  static let localGet: UInt8 = 0x20
  static let localSet: UInt8 = 0x21
  static let localTee: UInt8 = 0x22
  static let globalGet: UInt8 = 0x23
  static let globalSet: UInt8 = 0x24
  static let i32Load: UInt8 = 0x28
  static let i32Load8: UInt8 = 0x2d
  static let i32Store: UInt8 = 0x36
  static let i32Store8: UInt8 = 0x3a
  static let i32Const: UInt8 = 0x41
  static let i64Const: UInt8 = 0x42
  static let f64Const: UInt8 = 0x44
  static let i32Equals0: UInt8 = 0x45
  static let i32LessUnsigned: UInt8 = 0x49
  static let i32Add: UInt8 = 0x6a
  static let i32Subtract: UInt8 = 0x6b
  static let i32And: UInt8 = 0x71
  static let i32Xor: UInt8 = 0x73
  static let i32ShiftLeft: UInt8 = 0x74
  static let i32ShiftRightUnsigned: UInt8 = 0x76
  static let i32RotateLeft: UInt8 = 0x77
  static let i64Add: UInt8 = 0x7c
  static let i64Multiply: UInt8 = 0x7e
  static let f64Add: UInt8 = 0xa0
  static let f64Multiply: UInt8 = 0xa2
  static let i32WrapI64: UInt8 = 0xa7
  static let i64ExtendI32: UInt8 = 0xac
  static let f32ConvertI32: UInt8 = 0xb2
  static let f64ConvertI32: UInt8 = 0xb7
  static let emptyBlock: UInt8 = 0x40
}

/// Instructions whose operand a linker decides.
extension ObjectBuilder {
  private func relocated(_ type: RelocationType, _ index: Int, addend: Int = 0) {
    bodyRelocations.append(Relocation(type: type, offset: body.count, index: index, addend: addend))
    body.paddedUnsigned(0)
  }

  func op(_ opcode: UInt8) {
    body.byte(opcode)
  }

  func op(_ opcode: UInt8, _ operand: Int) {
    body.byte(opcode)
    body.unsigned(operand)
  }

  func const32(_ value: Int) {
    body.byte(Opcode.i32Const)
    body.signed(Int64(value))
  }

  /// A load or store with alignment exponent and offset.
  func memory(_ opcode: UInt8, alignment: Int, offset: Int = 0) {
    body.byte(opcode)
    body.unsigned(alignment)
    body.unsigned(offset)
  }

  func call(_ symbol: Int) {
    op(Opcode.call)
    if let index = moduleIndex[symbol] { body.unsigned(index) } else { relocated(.functionIndexLEB, symbol) }
    bodyCalls.append(body.count)
  }

  func callIndirect(signature: Int) {
    op(Opcode.callIndirect)
    let type = type(ofSignature: signature)
    if style == .module {
      body.unsigned(type)
      body.unsigned(0)
    } else {
      relocated(.typeIndexLEB, type)
      relocated(.tableNumberLEB, functionTable)
    }
    bodyCalls.append(body.count)
  }

  func global(_ opcode: UInt8, _ symbol: Int) {
    op(opcode)
    // A module has one global that code uses: its stack pointer.
    if style == .module { body.unsigned(0) } else { relocated(.globalIndexLEB, symbol) }
  }

  /// Pushes the address of a data symbol plus `addend`.
  func dataAddress(_ symbol: Int, addend: Int = 0, memoryBaseLocal: Int? = nil) {
    switch style {
    case .module: const32(address(of: symbol) + addend)
    case .absolute:
      op(Opcode.i32Const)
      relocated(.memoryAddressSLEB, symbol, addend: addend)
    case .positionIndependent where symbols[symbol].flags.isDisjoint(with: [.local, .hidden]):
      useGOT(symbol)
      global(Opcode.globalGet, symbol)
      if addend != 0 {
        const32(addend)
        op(Opcode.i32Add)
      }
    case .positionIndependent:
      if let memoryBaseLocal { op(Opcode.localGet, memoryBaseLocal) } else { global(Opcode.globalGet, memoryBase) }
      op(Opcode.i32Const)
      relocated(.memoryAddressRelativeSLEB, symbol, addend: addend)
      op(Opcode.i32Add)
    }
  }

  /// Pushes the table slot of a function.
  func functionAddress(_ symbol: Int) {
    switch style {
    case .module: const32(tableSlot(of: symbol))
    case .absolute:
      _ = tableSlot(of: symbol)
      op(Opcode.i32Const)
      relocated(.tableIndexSLEB, symbol)
    case .positionIndependent where symbols[symbol].flags.isDisjoint(with: [.local, .hidden]):
      useGOT(symbol)
      global(Opcode.globalGet, symbol)
    case .positionIndependent:
      _ = tableSlot(of: symbol)
      global(Opcode.globalGet, tableBase)
      op(Opcode.i32Const)
      relocated(.tableIndexRelativeSLEB, symbol)
      op(Opcode.i32Add)
    }
  }

  /// A load or store at a data symbol plus `addend` plus what `index` pushes, when it is `indexed`; a store's value is
  /// pushed by `value`.
  func access(
    _ opcode: UInt8, alignment: Int, _ symbol: Int, addend: Int = 0, memoryBaseLocal: Int? = nil,
    indexed: Bool = false, index: () -> Void = {}, value: () -> Void = {}
  ) {
    if style == .absolute {
      if indexed { index() } else { const32(0) }
      value()
      op(opcode)
      body.unsigned(alignment)
      relocated(.memoryAddressLEB, symbol, addend: addend)
      return
    }
    dataAddress(symbol, memoryBaseLocal: memoryBaseLocal)
    if indexed {
      index()
      op(Opcode.i32Add)
    }
    value()
    memory(opcode, alignment: alignment, offset: addend)
  }
}
