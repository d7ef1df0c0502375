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
}
