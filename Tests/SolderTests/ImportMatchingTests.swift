import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// The linker's, not the builder's.
private typealias Bounds = SolderLinker.Limits

/// What an export has to be to satisfy an import, for every pair.
@Suite struct ImportMatchingTests {
  /// Types for the tests: functions `plain: (i32)`, `open: (i32)` that may have subtypes, `below` that declares `open` as
  /// its supertype, and `lowest` that declares `below`; structs `shape`, and `square` below it; an array, a continuation.
  private struct Types {
    let table: TypeTable
    let plain, open, below, lowest, shape, square, row, resumed: TypeID

    init() throws {
      let bytes: [UInt8] = [
        8,
        0x60, 1, 0x7F, 0,
        0x50, 0, 0x60, 1, 0x7F, 0,
        0x50, 1, 1, 0x60, 1, 0x7F, 0,
        0x4F, 1, 2, 0x60, 1, 0x7F, 0,
        0x50, 0, 0x5F, 1, 0x7F, 0,
        0x50, 1, 4, 0x5F, 2, 0x7F, 0, 0x7E, 1,
        0x5E, 0x78, 1,
        0x5D, 0,
      ]
      var table = TypeTable()
      let ids = try reading(bytes) { file in
        var reader = file
        return try table.intern(try ParsedTypes(section: &reader))
      }
      self.table = table
      (plain, open, below, lowest) = (ids[0], ids[1], ids[2], ids[3])
      (shape, square, row, resumed) = (ids[4], ids[5], ids[6], ids[7])
    }

    func reference(_ type: TypeID, isNullable: Bool = true) -> ValueType {
      ValueType(reference: .concrete(type.rawValue), isNullable: isNullable)
    }
  }

  private static let heapTypes: [String: UInt8] = [
    "cont": 0x68, "exn": 0x69, "array": 0x6A, "struct": 0x6B, "i31": 0x6C, "eq": 0x6D, "any": 0x6E, "extern": 0x6F,
    "func": 0x70, "none": 0x71, "noextern": 0x72, "nofunc": 0x73, "noexn": 0x74, "nocont": 0x75,
  ]

  /// For every heap type those that are below it, itself aside.
  private static let below: [String: Set<String>] = [
    "any": ["eq", "i31", "struct", "array", "none", "shape", "square", "row"],
    "eq": ["i31", "struct", "array", "none", "shape", "square", "row"],
    "i31": ["none"], "struct": ["none", "shape", "square"], "array": ["none", "row"],
    "extern": ["noextern"], "exn": ["noexn"],
    "func": ["nofunc", "plain", "open", "below", "lowest"], "cont": ["nocont", "resumed"],
    "shape": ["square", "none"], "square": ["none"], "row": ["none"], "resumed": ["nocont"],
    "plain": ["nofunc"], "open": ["nofunc", "below", "lowest"], "below": ["nofunc", "lowest"], "lowest": ["nofunc"],
  ]

  @Test func everyPairOfReferences() throws {
    let types = try Types()
    var all: [(name: String, heap: HeapType)] = Self.heapTypes.map { ($0.key, .abstract($0.value)) }
    for (name, type) in [
      ("plain", types.plain), ("open", types.open), ("below", types.below), ("lowest", types.lowest),
      ("shape", types.shape), ("square", types.square), ("row", types.row), ("resumed", types.resumed),
    ] {
      all.append((name, .concrete(type.rawValue)))
    }
    for one in all {
      for other in all {
        for (isNullable, wantsNullable) in [(true, true), (true, false), (false, true), (false, false)] {
          let type = ValueType(reference: one.heap, isNullable: isNullable)
          let wanted = ValueType(reference: other.heap, isNullable: wantsNullable)
          let isBelow = one.name == other.name || Self.below[other.name]?.contains(one.name) == true
          let fits = isBelow && (wantsNullable || !isNullable)
          let comment: Comment = "\(one.name) \(isNullable) as \(other.name) \(wantsNullable)"
          #expect(types.table.isSubtype(type, wanted) == fits, comment)
          func matches(_ defined: ExternalType, _ wanted: ExternalType) -> Bool { types.table.matches(defined, wanted) }
          #expect(matches(.global(type, isMutable: false), .global(wanted, isMutable: false)) == fits, comment)
          #expect(
            matches(.global(type, isMutable: true), .global(wanted, isMutable: true)) == (type == wanted), comment)
          #expect(!matches(.global(type, isMutable: true), .global(wanted, isMutable: false)), comment)
          #expect(!matches(.global(type, isMutable: false), .global(wanted, isMutable: true)), comment)
          let limits = Bounds(minimum: 1)
          #expect(matches(.table(type, limits), .table(wanted, limits)) == (type == wanted), comment)
        }
      }
    }
  }

  @Test func everyPairOfNumbers() throws {
    let types = try Types()
    let numbers: [ValueType] = [.i32, .i64, .f32, .f64, .v128]
    for type in numbers + [.funcref] {
      for wanted in numbers + [.externref] {
        #expect(types.table.isSubtype(type, wanted) == (type == wanted))
      }
    }
  }

  @Test func functionsByDeclaredTypeAndTagsByTheirOwn() throws {
    let types = try Types()
    let all = [("plain", types.plain), ("open", types.open), ("below", types.below), ("lowest", types.lowest)]
    for (name, type) in all {
      for (otherName, other) in all {
        let isBelow = name == otherName || Self.below[otherName]?.contains(name) == true
        #expect(types.table.matches(.function(type), .function(other)) == isBelow, "\(name) as \(otherName)")
        #expect(types.table.matches(.tag(type), .tag(other)) == (type == other), "\(name) as \(otherName)")
      }
    }
  }

  @Test func kindsNeverMatchEachOther() throws {
    let types = try Types()
    let kinds: [ExternalType] = [
      .function(types.plain), .tag(types.plain), .global(.funcref, isMutable: false),
      .table(.funcref, Bounds(minimum: 1)), .memory(Bounds(minimum: 1)),
    ]
    for (index, one) in kinds.enumerated() {
      for (otherIndex, other) in kinds.enumerated() {
        #expect(types.table.matches(one, other) == (index == otherIndex))
      }
    }
  }

  @Test func everyPairOfBounds() throws {
    let types = try Types()
    let bounds: [UInt64?] = [nil, 0, 1, 2, .max]
    for minimum in [0, 1, 2] as [UInt64] {
      for maximum in bounds where maximum ?? .max >= minimum {
        for wantedMinimum in [0, 1, 2] as [UInt64] {
          for wantedMaximum in bounds where wantedMaximum ?? .max >= wantedMinimum {
            let limits = Bounds(minimum: minimum, maximum: maximum)
            let wanted = Bounds(minimum: wantedMinimum, maximum: wantedMaximum)
            let fits: Bool
            switch (maximum, wantedMaximum) {
            case (_, nil): fits = minimum >= wantedMinimum
            case (nil, _): fits = false
            case (let maximum?, let wantedMaximum?): fits = minimum >= wantedMinimum && maximum <= wantedMaximum
            }
            #expect(types.table.matches(.memory(limits), .memory(wanted)) == fits, "\(limits) as \(wanted)")
            #expect(
              types.table.matches(.table(.funcref, limits), .table(.funcref, wanted)) == fits, "\(limits) as \(wanted)")
          }
        }
      }
    }
  }

  @Test func whatIsMoreThanBounds() throws {
    let types = try Types()
    let one = Bounds(minimum: 1, maximum: 2)
    var shared = one
    shared.isShared = true
    var wide = one
    wide.is64 = true
    var bytes = one
    bytes.pageSizeLog2 = 0
    var usual = one
    usual.pageSizeLog2 = 16
    for (limits, wanted, fits) in [
      (one, shared, false), (shared, one, false), (shared, shared, true), (one, wide, false), (wide, one, false),
      (wide, wide, true), (one, bytes, false), (bytes, one, false), (bytes, bytes, true), (usual, one, true),
      (one, usual, true), (bytes, usual, false),
    ] {
      #expect(types.table.matches(.memory(limits), .memory(wanted)) == fits, "\(limits) as \(wanted)")
    }
  }

  @Test func text() throws {
    let types = try Types()
    let expected: [(ExternalType, String)] = [
      (.function(types.plain), "(i32) -> void"), (.tag(types.lowest), "(i32) -> void"),
      (.global(.i32, isMutable: false), "i32"), (.global(.funcref, isMutable: true), "(mut funcref)"),
      (.global(types.reference(types.row, isNullable: false), isMutable: false), "(ref (array (mut i8)))"),
      (
        .global(types.reference(types.square), isMutable: false),
        "(ref null (sub (sub (struct (field i32))) (struct (field i32) (field (mut i64)))))"
      ),
      (.global(types.reference(types.resumed), isMutable: false), "(ref null (cont (i32) -> void))"),
      (.table(types.reference(types.plain), Bounds(minimum: 1)), "1 (ref null ((i32) -> void))"),
      (.table(.externref, Bounds(minimum: 1, maximum: 7, is64: true)), "i64 1 7 externref"),
      (.memory(Bounds(minimum: 1, maximum: 2, isShared: true)), "1 2 shared"),
      (.memory(Bounds(minimum: 0, pageSizeLog2: 0)), "0 (pagesize 1)"),
    ]
    for (type, text) in expected { #expect(types.table.text(of: type) == text) }
  }
}
