import Testing

/// Name sections name what a module does not have: such names are of nothing, and least of all of something of another
/// kind.
@Suite struct NameIndexTests {
  private func names(of subsection: UInt8, _ indices: [UInt64], nested: Bool) -> [UInt8] {
    var content: [UInt8] = []
    content.list(indices) {
      $0.unsigned($1)
      if nested {
        $0.list([UInt64(0)]) {
          $0.unsigned($1)
          $0.name("inner")
        }
      } else {
        $0.name("name of \($1)")
      }
    }
    var section: [UInt8] = [subsection]
    section.sized(content)
    return section
  }

  @Test(arguments: 1...11 as ClosedRange<UInt8>, [0, 1, 2, 5, 0xFFFF_FFF0, 0xFFFF_FFFE, 0xFFFF_FFFF] as [UInt64])
  func namesBeyondTheEnd(_ subsection: UInt8, _ index: UInt64) async throws {
    var module = ModuleBuilder()
    module.importTag("host", "imported", [.i32])
    module.memory(Limits(1), export: "memory")
    module.table(.funcref, Limits(4), export: "table")
    module.tag([.i32], export: "tag")
    module.global(.i32, [.i32Const(5)], export: "global")
    let run = module.function([], [.i32], export: "run", [.i32Const(7)])
    module.element(.at(1), functions: [run])
    module.data(.at(16), [1, 2, 3])
    let isNested = [2, 3, 10].contains(subsection)
    module.custom("name", names(of: subsection, [index], nested: isNested))
    var other = ModuleBuilder()
    other.function([], export: "other", [])
    for words in [["m=m.wasm", "o=o.wasm"], ["o=o.wasm", "m=m.wasm"]] {
      let files: KeyValuePairs<String, any InputContents> = ["m.wasm": module, "o.wasm": other]
      let link = try LinkInProcess(files, words)
      let bytes = try #require(link.bytes, "\(link.errors)")
      try await WebAssemblyHost.shared.validate(bytes)
      // One table, two tags: no other index is there to be named.
      let text = String(decoding: bytes, as: UTF8.self)
      let count: UInt64? = [4: 3, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 11: 2][subsection]
      if let count, index >= count { #expect(!text.contains("name of"), "\(subsection) \(index)") }
    }
  }

  /// The subsections of the result come in the order of their numbers and once, however those of the inputs do.
  @Test(arguments: [false, true]) func subsectionsAreInOrder(_ isReversed: Bool) async throws {
    func module(_ export: String, _ subsections: [UInt8]) -> ModuleBuilder {
      var module = ModuleBuilder()
      let pair = module.type(raw: [0x5F, 1, 0x7F, 0])
      module.memory(Limits(1))
      module.table(.funcref, Limits(4))
      module.tag([.i32])
      module.global(.reference(pair), [.i32Const(5), .raw([0xFB, 0, UInt8(pair)])])
      let run = module.function([], [.i32], export: export, [.i32Const(7)])
      module.element(.at(1), functions: [run])
      module.data(.at(16), [1, 2, 3])
      module.custom("name", subsections.flatMap { names(of: $0, [0], nested: [2, 3, 10].contains($0)) })
      return module
    }
    let all: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    let first = module("one", isReversed ? all.reversed() : [10, 5, 1])
    let result = try await linked(
      ["a.wasm": first, "b.wasm": module("two", [7, 4, 11, 9, 2])], "a=a.wasm", "b=b.wasm", "--no-gc-sections")
    let section = try #require(result.module.customSections.first { $0.name == "name" })
    var (place, found): (Int, [UInt8]) = (section.contents.lowerBound, [])
    while place < section.contents.upperBound {
      found.append(result.bytes[place])
      var (size, shift) = (0, 0)
      repeat {
        place += 1
        size |= Int(result.bytes[place] & 0x7F) << shift
        shift += 7
      } while result.bytes[place] >= 0x80
      place += 1 + size
    }
    #expect(found == Set(found).sorted() && Set(found).isSuperset(of: [1, 2, 4, 5, 7, 9, 10, 11]), "\(found)")
  }
}
