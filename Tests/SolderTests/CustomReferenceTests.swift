import Foundation
import Testing

/// What debug information of objects refers to, and code does not.
@Suite struct CustomReferenceTests {
  /// Code for any address speaks of `__memory_base` in its debug information (`DW_OP_WASM_location`), which in a program
  /// without code that reads it is no global.
  @Test(arguments: ["__memory_base", "__table_base", "__stack_pointer"], Reference.allCases)
  func aBaseThatNoCodeReads(_ name: String, _ release: Reference) async throws {
    var object = ModuleBuilder(object: true)
    let base = object.undefinedGlobal(name, .i32, isMutable: name == "__stack_pointer")
    object.function("run", [], [.i32], flags: .exported, [.i32Const(7)])
    object.custom(".debug_info", [0, 0, 0, 0], relocations: [DataRelocation(.globalIndexI32, at: 0, base)])
    let folder = try TemporaryFolder()
    let path = try folder.write(object.bytes, to: "main.o")
    for options in [[], ["--no-gc-sections"]] as [[String]] {
      try await Differential(["--no-entry", path] + options, release).expectIdentical()
    }
  }
}
