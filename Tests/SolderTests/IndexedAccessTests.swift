import Testing

@testable import SolderLinker

/// The address of a table goes into the offset of an access, where nothing can wrap around, and nowhere else.
@Suite struct IndexedAccessTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Leaves one number; local 0 is the parameter, 1 to 3 are numbers, 4 to 6 are addresses.
    let code: @Sendable (_ base: (Int64) -> [WasmInstruction]) -> [WasmInstruction]
    /// How many accesses take an address.
    let count: Int
    /// How many addresses take a number that is added once more.
    let amended: Int
    /// How many accesses without an index take an address.
    let plain: Int
    /// Whether addresses, and the locals, have 64 bits.
    let is64: Bool

    init(
      _ description: String, folds count: Int, amends amended: Int = 0, plain: Int = 0, is64: Bool = false,
      _ code: @escaping @Sendable (_ base: (Int64) -> [WasmInstruction]) -> [WasmInstruction]
    ) {
      (testDescription, self.count, self.is64, self.code) = (description, count, is64, code)
      (self.amended, self.plain) = (amended, plain)
    }
  }

  /// Four times the lowest bits of the parameter.
  private static let masked: [WasmInstruction] = [.localGet(0), .i32Const(4), .i32And]
  private static let argument: [WasmInstruction] = [.localGet(0)]

  // Words 1 to 16 lie at the base.
  static let shapes = [
    Shape("a mask", folds: 1) { $0(4) + masked + [.i32Add, .i32Load()] },
    Shape("the index first", folds: 1) { masked + $0(4) + [.i32Add, .i32Load()] },
    Shape("the base itself", folds: 1) { $0(0) + masked + [.i32Add, .i32Load()] },
    Shape("an offset", folds: 1) { $0(4) + masked + [.i32Add, .i32Load(offset: 8)] },
    Shape("the largest index", folds: 1) {
      $0(4) + argument + [.i32Const(0x7FFF_FFF0), .i32And, .i32Const(8), .i32ShrU, .i32Const(31), .i32ShrU]
        + [.i32Add, .i32Load()]
    },
    Shape("an index too large by one bit", folds: 0) {
      $0(0) + argument + [.i32Const(-4), .i32And, .i32Add, .i32Load()]
    },
    Shape("a byte, shifted", folds: 2) {
      $0(0)
        + ($0(0) + masked + [.i32Const(4), .i32Or, .i32Const(4), .i32And, .i32Add, .i32Load8(), .i32Const(2), .i32Shl])
        + [.i32Add, .i32Load()]
    },
    Shape("a comparison", folds: 1) {
      $0(0) + argument + [.i32Eqz, .i32Const(2), .i32Shl, .i32Add, .i32Load()]
    },
    Shape("a choice", folds: 1) {
      $0(0) + masked + [.i32Const(12)] + argument + [.select, .i32Add, .i32Load()]
    },
    Shape("a sum and a product", folds: 1) {
      $0(0) + argument
        + [.i32Const(1), .i32And, .i32Const(12), .i32Mul, .i32Const(4), .i32Add, .i32Add, .i32Load()]
    },
    Shape("a shift by the parameter", folds: 1) {
      $0(0) + [.i32Const(4)] + argument + [.i32Const(3), .i32Mul, .i32ShrU, .i32Const(4), .i32And, .i32Add, .i32Load()]
    },
    Shape("a shift to the left by the parameter", folds: 0) {
      $0(0) + [.i32Const(4)] + argument + [.i32Const(1), .i32And, .i32Shl, .i32Add, .i32Load()]
    },
    Shape("the parameter", folds: 0) { $0(16) + argument + [.i32Add, .i32Load(align: 2)] },
    Shape("the parameter first", folds: 0) { argument + $0(16) + [.i32Add, .i32Load(align: 2)] },
    Shape("a difference", folds: 0) {
      $0(16) + masked + [.i32Const(4), .i32Sub, .i32Add, .i32Load()]
    },
    Shape("an address in front of the table", folds: 0) {
      $0(-4) + masked + [.i32Const(4), .i32Add, .i32Add, .i32Load()]
    },
    Shape("a byte with a sign", folds: 0) {
      $0(0) + ($0(4) + [.raw(0x2C, 0, 1)]) + [.i32Add, .i32Load()]
    },
    Shape("a store", folds: 2) {
      $0(32) + masked + [.i32Add, .i32Const(7), .i32Store()] + $0(32) + masked + [.i32Add, .i32Load()]
    },
    Shape("a store of an access", folds: 3) {
      $0(32) + masked + [.i32Add] + ($0(0) + masked + [.i32Add, .i32Load(), .i32Const(8), .i32Add]) + [.i32Store()]
        + $0(32) + masked + [.i32Add, .i32Load()]
    },
    Shape("an address that is stored", folds: 0) {
      $0(32) + ($0(4) + masked + [.i32Add]) + [.i32Store()] + [.i32Const(0)]
    },
    Shape("a sum that goes on", folds: 1, amends: 1) {
      $0(4) + masked + [.i32Add, .i32Const(4), .i32Add, .i32Load()]
    },
    Shape("a sum that goes on, the index first", folds: 1, amends: 1) {
      masked + $0(16) + [.i32Add, .i32Const(-8), .i32Add, .i32Load(offset: 4)]
    },
    Shape("a sum that goes on to a place in front of the data", folds: 0, amends: 1) {
      $0(4) + masked + [.i32Add, .i32Const(-8), .i32Add, .i32Load()]
    },
    Shape("a sum with anything that goes on", folds: 0, amends: 1) {
      $0(32) + argument + [.i32Add, .i32Const(-12), .i32Add, .i32Load(align: 2)]
    },
    Shape("a sum that goes on and is no address", folds: 0, amends: 2) {
      $0(4) + argument + [.i32Add, .i32Const(-100_000), .i32Add]
        + (argument + $0(8) + [.i32Add, .i32Const(100_003), .i32Add, .i32Sub])
    },
    Shape("a sum that goes on twice", folds: 0, amends: 1) {
      $0(4) + argument + [.i32Add, .i32Const(3), .i32Add, .i32Const(5), .i32Add] + $0(0) + [.i32Sub]
    },
    Shape("a sum of two addresses that goes on", folds: 0, amends: 1) {
      $0(4) + $0(8) + [.i32Add, .i32Const(3), .i32Add] + $0(0) + [.i32Sub] + $0(0) + [.i32Sub]
    },
    Shape("a sum in a sum, both of which go on", folds: 0, amends: 2) {
      $0(4) + ($0(8) + argument + [.i32Add, .i32Const(5), .i32Add]) + [.i32Add, .i32Const(3), .i32Add]
        + $0(0) + [.i32Sub] + $0(0) + [.i32Sub]
    },
    Shape("a sum with a base that is shared, and goes on", folds: 1, amends: 2) {
      $0(0) + [.localSet(4), .localGet(4), .localGet(4), .i32Sub, .localGet(4), .localGet(4), .i32Sub, .i32Add]
        + (masked + [.localGet(4), .i32Add, .i32Const(4), .i32Add, .i32Load(), .i32Add])
        + ([.localGet(4)] + argument + [.i32Add, .i32Const(16), .i32Add, .i32Load(align: 2), .i32Add])
    },
    Shape("a store through a sum that goes on", folds: 2, amends: 2) {
      $0(32) + masked + [.i32Add, .i32Const(4), .i32Add, .i32Const(7), .i32Store()]
        + $0(40) + masked + [.i32Add, .i32Const(-4), .i32Add, .i32Load()]
    },
    Shape("a difference of a sum", folds: 0) {
      $0(32) + argument + [.i32Add, .i32Const(12), .i32Sub, .i32Load(align: 2)]
    },
    Shape("no index", folds: 0, plain: 2) { $0(4) + [.i32Load()] + $0(8) + [.i32Load(offset: 40), .i32Add] },
    Shape("no index, and the address of the block", folds: 0, plain: 0) { $0(0) + [.i32Load(offset: 8)] },
    Shape("no index, in front of the data", folds: 0, plain: 0) { $0(-4) + [.i32Load(offset: 8)] },
    Shape("a store without an index", folds: 0, plain: 3) {
      $0(32) + ($0(4) + [.i32Load()]) + [.i32Store(offset: 4)] + $0(4) + [.i32Load(offset: 32)]
    },
    Shape("a store of an address", folds: 0, plain: 2) {
      $0(32) + $0(4) + [.i32Store()] + $0(32) + [.i32Load()] + $0(0) + [.i32Sub]
    },
    Shape("an access with an index that is read without one", folds: 1, plain: 1) {
      $0(4) + ($0(8) + [.i32Load(), .i32Const(4), .i32And]) + [.i32Add, .i32Load()]
    },
    Shape("a sum in a local", folds: 0) {
      $0(4) + masked + [.i32Add, .localTee(4), .i32Load(), .localGet(4), .i32Load(), .i32Add]
    },
    Shape("a base that is shared", folds: 2) {
      $0(0) + [.localTee(4)] + masked + [.i32Add, .i32Load(offset: 4)]
        + ([.localGet(4)] + masked + [.i32Add, .i32Load(offset: 8), .i32Add])
    },
    Shape("a base that is shared, and needed", folds: 2) {
      $0(0) + [.localSet(4), .localGet(4), .localGet(4), .i32Sub, .localGet(4), .localGet(4), .i32Sub, .i32Add]
        + ([.localGet(4)] + masked + [.i32Add, .i32Load(offset: 4), .i32Add])
        + ([.localGet(4)] + masked + [.i32Add, .i32Load(offset: 8), .i32Add])
    },
    Shape("an index in a local", folds: 1) {
      masked + [.localSet(1)] + $0(4) + [.localGet(1), .i32Add, .i32Load()]
    },
    Shape("an index in a local, shifted", folds: 1) {
      argument + [.i32Const(1), .i32And, .localSet(1)]
        + $0(4) + [.localGet(1), .i32Const(4), .i32Shl, .i32Add, .i32Load()]
    },
    Shape("an index that two paths set", folds: 1) {
      argument + [.if(), .i32Const(8), .localSet(1), .else] + masked + [.i32Const(4), .i32Or, .localSet(1), .end]
        + $0(0) + [.localGet(1), .i32Add, .i32Load()]
    },
    Shape("an index that one path does not set", folds: 0) {
      argument + [.if(), .i32Const(8), .localSet(1), .end] + $0(0) + [.localGet(1), .i32Add, .i32Load()]
    },
    Shape("an index that one path sets to anything", folds: 0) {
      [.i32Const(0), .localSet(1)] + argument
        + [.if()] + argument + [.i32Const(1), .i32Eq, .if(), .i32Const(12), .localSet(1), .else]
        + argument + [.i32Const(-5), .i32Add, .i32Const(1), .i32Add, .localSet(1), .end, .end]
        + $0(4) + [
          .localGet(1), .localGet(1), .i32Const(-8), .i32Eq, .i32Const(2), .i32Shl, .i32Add, .i32Add, .i32Load(),
        ]
    },
    Shape("an index of a loop, masked in each round", folds: 1) {
      [.i32Const(0), .localSet(1), .loop()] + [.localGet(2)]
        + ($0(0) + [.localGet(1), .i32Add, .i32Load(), .i32Add, .localSet(2)])
        + [.localGet(1), .i32Const(4), .i32Add, .i32Const(12), .i32And, .localTee(1), .brIf(0), .end, .localGet(2)]
    },
    Shape("an index that a loop counts", folds: 0) {
      [.i32Const(0), .localSet(1), .loop()] + [.localGet(2)]
        + ($0(0) + [.localGet(1), .i32Add, .i32Load(), .i32Add, .localSet(2)])
        + [.localGet(1), .i32Const(4), .i32Add, .localTee(1), .i32Const(16), .i32Ne, .brIf(0), .end, .localGet(2)]
    },
    Shape("an index noted on the way", folds: 2) {
      $0(4) + masked + [.localTee(1), .i32Add, .i32Load()] + $0(4) + [.localGet(1), .i32Add, .i32Load(), .i32Add]
    },
    Shape("a local that is something else later", folds: 1) {
      masked + [.localSet(1)] + $0(4) + [.localGet(1), .i32Add, .i32Load()] + argument + [.localSet(1)]
        + $0(12) + [.localGet(1), .i32Add, .i32Load(align: 2), .i32Add]
    },
  ]

  /// The parameter with its sign, and four times its lowest bits.
  private static let signed: [WasmInstruction] = [.localGet(0), .i64ExtendI32S]
  private static let wideMask: [WasmInstruction] = signed + [.i64Const(4), .i64And]
  private static let (wideShl, wideShrU) = (WasmInstruction.raw(0x86), WasmInstruction.raw(0x88))

  static let wideShapes = [
    Shape("a mask", folds: 1, is64: true) { $0(4) + wideMask + [.i64Add, .i32Load()] },
    Shape("the index first", folds: 1, is64: true) { wideMask + $0(4) + [.i64Add, .i32Load()] },
    Shape("an offset", folds: 1, is64: true) { $0(4) + wideMask + [.i64Add, .i32Load(offset: 8)] },
    Shape("any number without a sign", folds: 1, is64: true) {
      $0(16) + argument + [.i64ExtendI32U, .i64Add, .i32Load(align: 2)]
    },
    Shape("any number with a sign", folds: 0, is64: true) { $0(16) + signed + [.i64Add, .i32Load(align: 2)] },
    Shape("any number with a sign first", folds: 0, is64: true) { signed + $0(16) + [.i64Add, .i32Load(align: 2)] },
    Shape("a mask of 32 bits, extended with its sign", folds: 1, is64: true) {
      $0(4) + masked + [.i64ExtendI32S, .i64Add, .i32Load()]
    },
    Shape("the sign of 32 bits in a mask", folds: 0, is64: true) {
      $0(16) + argument + [.i32Const(-4), .i32And, .i64ExtendI32S, .i64Add, .i32Load()]
    },
    Shape("a number cut to 32 bits", folds: 1, is64: true) {
      $0(16) + signed + [.i32WrapI64, .i64ExtendI32U, .i64Add, .i32Load()]
    },
    Shape("the largest index", folds: 1, is64: true) {
      $0(16) + argument + [.i64ExtendI32U, .i64Const(30), wideShl, .i64Add, .i32Load(align: 2)]
    },
    Shape("an index too large by one bit", folds: 0, is64: true) {
      $0(16) + argument + [.i64ExtendI32U, .i64Const(31), wideShl, .i64Add, .i32Load(align: 2)]
    },
    Shape("an index too large by two bits", folds: 0, is64: true) {
      $0(0) + signed + [.i64Const(-4), .i64And, .i64Add, .i32Load()]
    },
    Shape("a byte, shifted", folds: 2, is64: true) {
      $0(0) + ($0(0) + wideMask + [.i64Add, .raw(0x31, 0, 0), .i64Const(2), wideShl]) + [.i64Add, .i32Load()]
    },
    Shape("half a word", folds: 1, is64: true) {
      $0(0) + ($0(4) + [.raw(0x35, 2, 0)]) + [.i64Add, .i32Load(align: 2)]
    },
    Shape("half a word with its sign", folds: 0, is64: true) {
      $0(0) + ($0(4) + [.raw(0x34, 2, 0)]) + [.i64Add, .i32Load(align: 2)]
    },
    Shape("a word", folds: 0, is64: true) { $0(0) + ($0(4) + [.i64Load(align: 2)]) + [.i64Add, .i32Load(align: 2)] },
    Shape("a comparison", folds: 1, is64: true) {
      $0(0) + signed + [.i64Eqz, .i64ExtendI32U, .i64Const(2), wideShl, .i64Add, .i32Load()]
    },
    Shape("a choice", folds: 1, is64: true) {
      $0(0) + wideMask + [.i64Const(12)] + argument + [.select, .i64Add, .i32Load()]
    },
    Shape("a sum and a product", folds: 1, is64: true) {
      $0(0) + signed
        + [.i64Const(1), .i64And, .i64Const(12), .i64Mul, .i64Const(4), .i64Add, .i64Add, .i32Load()]
    },
    Shape("a shift to the left by the parameter", folds: 0, is64: true) {
      $0(0) + [.i64Const(4)] + signed + [.i64Const(1), .i64And, wideShl, .i64Add, .i32Load()]
    },
    Shape("a difference", folds: 0, is64: true) {
      $0(16) + wideMask + [.i64Const(4), .i64Sub, .i64Add, .i32Load()]
    },
    Shape("an address in front of the table", folds: 0, is64: true) {
      $0(-4) + wideMask + [.i64Const(4), .i64Add, .i64Add, .i32Load()]
    },
    Shape("a store", folds: 2, is64: true) {
      $0(32) + wideMask + [.i64Add, .i64Const(7), .i64Store(align: 2)] + $0(32) + wideMask + [.i64Add, .i32Load()]
    },
    Shape("an address that is stored", folds: 0, is64: true) {
      $0(32) + ($0(4) + wideMask + [.i64Add]) + [.i64Store()] + [.i32Const(0)]
    },
    Shape("a sum that goes on", folds: 1, amends: 1, is64: true) {
      $0(4) + wideMask + [.i64Add, .i64Const(4), .i64Add, .i32Load()]
    },
    Shape("a sum with anything that goes on", folds: 0, amends: 1, is64: true) {
      signed + $0(32) + [.i64Add, .i64Const(-12), .i64Add, .i32Load(align: 2)]
    },
    Shape("a sum that goes on too far for a relocation", folds: 0, is64: true) {
      $0(4) + signed + [.i64Add, .i64Const(1 << 40), .i64Add] + $0(0) + [
        .raw(0x7D), .i64Const(7), .i64And, .i32WrapI64,
      ]
    },
    Shape("no index", folds: 0, plain: 2, is64: true) {
      $0(4) + [.i32Load()] + $0(8) + [.i32Load(offset: 40), .i32Add]
    },
    Shape("a store without an index", folds: 0, plain: 2, is64: true) {
      $0(32) + [.i64Const(9), .i64Store(offset: 8, align: 2)] + $0(40) + [.i32Load()]
    },
    Shape("a sum in a local", folds: 0, is64: true) {
      $0(4) + wideMask + [.i64Add, .localTee(4), .i32Load(), .localGet(4), .i32Load(), .i32Add]
    },
    Shape("a base that is shared", folds: 2, is64: true) {
      $0(0) + [.localTee(4)] + wideMask + [.i64Add, .i32Load(offset: 4)]
        + ([.localGet(4)] + wideMask + [.i64Add, .i32Load(offset: 8), .i32Add])
    },
    Shape("an index in a local", folds: 1, is64: true) {
      wideMask + [.localSet(1)] + $0(4) + [.localGet(1), .i64Add, .i32Load()]
    },
    Shape("an index in a local with a sign", folds: 0, is64: true) {
      signed + [.localSet(1)] + $0(16) + [.localGet(1), .i64Add, .i32Load(align: 2)]
    },
    Shape("an index that two paths set", folds: 1, is64: true) {
      argument + [.if(), .i64Const(8), .localSet(1), .else] + wideMask + [.i64Const(4), .i64Or, .localSet(1), .end]
        + $0(0) + [.localGet(1), .i64Add, .i32Load()]
    },
    Shape("an index that one path does not set", folds: 0, is64: true) {
      argument + [.if(), .i64Const(8), .localSet(1), .end] + $0(0) + [.localGet(1), .i64Add, .i32Load()]
    },
    Shape("an index of a loop, masked in each round", folds: 1, is64: true) {
      [.i64Const(0), .localSet(1), .loop()] + [.localGet(2)]
        + ($0(0) + [.localGet(1), .i64Add, .raw(0x35, 2, 0), .i64Add, .localSet(2)])
        + [.localGet(1), .i64Const(4), .i64Add, .i64Const(12), .i64And, .localTee(1), .i32WrapI64, .brIf(0), .end]
        + [.localGet(2), .i32WrapI64]
    },
    Shape("an index that a loop counts", folds: 0, is64: true) {
      [.i64Const(0), .localSet(1), .loop()] + [.localGet(2)]
        + ($0(0) + [.localGet(1), .i64Add, .raw(0x35, 2, 0), .i64Add, .localSet(2)])
        + [.localGet(1), .i64Const(4), .i64Add, .localTee(1), .i64Const(16), .i64Xor, .i32WrapI64, .brIf(0), .end]
        + [.localGet(2), .i32WrapI64]
    },
  ]

  /// - Parameter isOpaque: whether a function gives the base, so that nothing is known of it.
  private func library(_ shape: Shape, isOpaque: Bool = false) -> ModuleBuilder {
    let pointer = WasmType.address(is64: shape.is64)
    var library = ModuleBuilder(dylink: Dylink(memorySize: 64, memoryAlignment: 2), is64: shape.is64)
    let base = library.importMemoryAndBases().memory
    library.data(
      .active([.globalGet(base)]), (1...16).flatMap { (word: UInt8) -> [UInt8] in [word, 0, 0, 0] })
    let function = library.function([], [pointer], [.globalGet(base)])
    let code = shape.code { addend in
      let read: WasmInstruction = isOpaque ? .call(function) : .globalGet(base)
      return addend == 0
        ? [read] : [read, .addressConst(addend, is64: shape.is64), shape.is64 ? .i64Add : .i32Add]
    }
    library.function([.i32], [.i32], locals: Array(repeating: pointer, count: 6), export: "f", code)
    return library
  }

  /// Expects that a link succeeded, and that `f` gives these results; a trap is one too.
  @discardableResult private func transcript(of run: LinkInProcess, is expected: String? = nil) async throws -> String {
    let bytes = try #require(run.bytes, "\(run.errors)")
    try await WebAssemblyHost.shared.validate(bytes)
    let calls = [0, 1, 4, -4].map { Call("f", $0) }
    let transcript = try await WebAssemblyHost.shared.invoke(bytes, calls)
    if let expected { #expect(transcript == expected, "\(run.words)") }
    return transcript
  }

  /// How many edits of the program are such ones.
  private func count(_ program: Program, _ isCounted: (Relocation) -> Bool) -> Int {
    program.resolution.units.reduce(0) { $0 + $1.relocations.count(where: isCounted) }
  }

  @Test(arguments: shapes + wideShapes) func isMovedOrStays(_ shape: Shape) async throws {
    let library = library(shape)
    let mode = shape.is64 ? ["-mwasm64"] : []
    let words = mode + ["--no-entry", "--export=f"]
    let path = try TemporaryFolder().write(library.bytes, to: "libtest.so")
    let program = try decided(words + ["-O2", path])
    #expect(count(program) { $0.encoding == .indexedSum } == shape.count)
    #expect(count(program) { $0.encoding == .nothing && $0.assignsNothing } == shape.amended)
    if shape.plain > 0 {
      #expect(count(program) { $0.encoding.isIndexedBase && $0.isProvisional } == shape.plain)
    }
    let opaque = try LinkInProcess(["libtest.so": self.library(shape, isOpaque: true)], words)
    let expected = try await transcript(of: opaque)
    for options in [["-O2"], ["-O2", "--icf=all", "--strip-all"], []] {
      let result = try LinkInProcess(["libtest.so": library], words + options)
      try await transcript(of: result, is: expected)
    }
    let object = try LinkInProcess(["libtest.so": library], mode + ["-r"])
    let bytes = try #require(object.bytes, "\(object.errors)")
    try await transcript(of: LinkInProcess(["test.o": bytes], words), is: expected)
    // Far up code stays as it is.
    var sizes: [Int] = []
    for base in [2_147_483_648 - 64, 2_147_483_648] {
      let result = try LinkInProcess(["libtest.so": library], words + ["-O2", "--global-base=\(base)"])
      try await transcript(of: result, is: expected)
      sizes.append(try #require(result.bytes).count)
    }
    #expect(shape.count == 0 ? sizes[0] == sizes[1] : sizes[0] < sizes[1])
    #expect(count(try decided(words + [path])) { $0.encoding.isIndexed || $0.isProvisional } == 0)
  }
}
