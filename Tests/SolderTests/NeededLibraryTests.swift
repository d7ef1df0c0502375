import Foundation
import SolderLinker
import Synchronization
import Testing

/// Libraries that other libraries need: where they are looked for, and that each is linked once.
@Suite struct NeededLibraryTests {
  private static let leaf = """
    (module (@dylink.0 (mem-info)) (func (export "leaf") (result i32) (i32.const 41)))
    """

  private static func upper(_ metadata: String) -> String {
    """
    (module (@dylink.0 (mem-info) \(metadata))
      (import "env" "leaf" (func $leaf (result i32)))
      (func (export "upper") (result i32) (i32.add (call $leaf) (i32.const 1))))
    """
  }

  /// A folder with libraries, by their paths in it.
  private func libraries(_ texts: [String: String]) async throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (path, text) in texts {
      let file = URL(filePath: folder.path + "/" + path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      let assembled = try await Toolchain.shared.assembled(file.lastPathComponent + ".wasm", text)
      try Data(contents(of: assembled)).write(to: file)
    }
    return folder
  }

  /// Links in process: whether there is a result, and the messages.
  private func link(_ inputs: [String], _ change: (inout LinkOptions) -> Void = { _ in }) -> (isLinked: Bool, String) {
    var options = LinkOptions()
    options.inputs = inputs.map { InputArgument(.file($0)) }
    options.entryPoint = .none
    options.exports = ["upper"]
    change(&options)
    let messages = Mutex("")
    let bytes = linkToBytes(options, Diagnostics(sink: { message in messages.withLock { $0 += message.text + "\n" } }))
    return (bytes != nil, messages.withLock { $0 })
  }

  @Test(arguments: [
    ("leaf.so", ""), ("deep/leaf.so", "(runtime-path \"$ORIGIN/deep\")"),
    ("a/b/leaf.so", "(runtime-path \"/nowhere\" \"${ORIGIN}/a/b\")"),
    ("deep/leaf.so", "(runtime-path \"/nowhere:$ORIGIN/deep\")"), ("leaf.so", "(runtime-path \"$ORIGIN\")"),
  ]) func isFoundFromTheLibraryThatNeedsIt(_ place: String, _ path: String) async throws {
    let folder = try await libraries(["upper.so": Self.upper("(needed \"leaf.so\") \(path)"), place: Self.leaf])
    let (isLinked, messages) = link([folder.file("upper.so")])
    #expect(isLinked && messages.isEmpty, "\(messages)")
  }

  /// A longer name is another variable, of which nothing is known.
  @Test func anotherVariableThanORIGIN() async throws {
    let folder = try await libraries([
      "upper.so": Self.upper("(needed \"leaf.so\") (runtime-path \"$ORIGINAL\")"), "AL/leaf.so": Self.leaf,
    ])
    let (_, messages) = link([folder.file("upper.so")])
    #expect(messages.contains("needs leaf.so, which was not found (searched $ORIGINAL, "), "\(messages)")
  }

  @Test func isFoundInTheFoldersOfTheCommandLine() async throws {
    let folder = try await libraries(["upper.so": Self.upper("(needed \"leaf.so\")"), "elsewhere/leaf.so": Self.leaf])
    let elsewhere = folder.file("elsewhere")
    #expect(link([folder.file("upper.so")]) { $0.libraryPaths = [elsewhere] } == (true, ""))
    #expect(link([folder.file("upper.so")]) { $0.runtimePathLinks = [elsewhere] } == (true, ""))
  }

  @Test func isNamedWhereItIsMissing() async throws {
    let folder = try await libraries(["upper.so": Self.upper("(needed \"absent.so\") (runtime-path \"$ORIGIN/x\")")])
    let (isLinked, messages) = link([folder.file("upper.so")])
    #expect(!isLinked)
    for text in ["upper.so needs absent.so, which was not found", folder.file("x"), "undefined symbol: leaf"] {
      #expect(messages.contains(text), "\(messages)")
    }
    // A warning alone where nothing is undefined because of it.
    let other = try await libraries(["leaf.so": Self.leaf])
    #expect(link([folder.file("upper.so"), other.file("leaf.so")]).isLinked)
  }

  @Test func theSameBytesAreOneLibrary() async throws {
    let folder = try await libraries([
      "upper.so": Self.upper("(needed \"leaf.so\")"), "leaf.so": Self.leaf, "other/leaf.so": Self.leaf,
      "libleaf.so.1": Self.leaf,
    ])
    let all = ["upper.so", "leaf.so", "other/leaf.so", "libleaf.so.1"].map(folder.file)
    for inputs in [all, all.reversed()] { #expect(link(inputs) == (true, "")) }
  }

  @Test func twoFilesOfOneNameLeaveItOpen() async throws {
    let second = Self.leaf.replacing("41", with: "43").replacing("\"leaf\"", with: "\"other\"")
    let folder = try await libraries([
      "upper.so": Self.upper("(needed \"leaf.so\")"), "a/leaf.so": Self.leaf, "b/leaf.so": second,
    ])
    for inputs in [["upper.so", "a/leaf.so", "b/leaf.so"], ["b/leaf.so", "a/leaf.so", "upper.so"]] {
      let (isLinked, messages) = link(inputs.map(folder.file))
      #expect(!isLinked)
      for file in ["upper.so", "a/leaf.so", "b/leaf.so"] {
        #expect(messages.contains(folder.file(file)), "\(messages)")
      }
    }
  }

  /// What is no library is refused with the name of the one that needs it.
  @Test(arguments: ["folder", "text", "object"]) func aFileThatIsNoLibrary(_ what: String) async throws {
    let folder = try await libraries(["upper.so": Self.upper("(needed \"thing.so\")"), "other/leaf.so": Self.leaf])
    switch what {
    case "folder":
      try FileManager.default.createDirectory(atPath: folder.file("thing.so"), withIntermediateDirectories: true)
    case "text": try folder.write(Array("hello".utf8), to: "thing.so")
    default: try folder.write(ModuleBuilder(object: true).bytes, to: "thing.so")
    }
    let (isLinked, messages) = link([folder.file("upper.so"), folder.file("other/leaf.so")])
    #expect(!isLinked)
    for text in ["\(folder.file("upper.so")) needs thing.so, and \(folder.file("thing.so")) is no library: "] {
      #expect(messages.contains(text), "\(messages)")
    }
  }

  /// A path from the root is looked at nowhere else.
  @Test func aPathFromTheRoot() async throws {
    let other = try await libraries(["leaf.so": Self.leaf])
    let folder = try await libraries(["upper.so": Self.upper("(needed \"\(other.file("leaf.so"))\")")])
    #expect(link([folder.file("upper.so")]) == (true, ""))
    let missing = try await libraries(["upper.so": Self.upper("(needed \"/nowhere/leaf.so\")")])
    let (isLinked, messages) = link([missing.file("upper.so")])
    #expect(!isLinked && messages.contains("upper.so needs /nowhere/leaf.so, which was not found\n"), "\(messages)")
  }

  /// A runtime path with more steps up than there are folders.
  @Test func aRuntimePathThatLeavesTheTree() async throws {
    func path(_ steps: Int) -> String { "$ORIGIN" + String(repeating: "/..", count: steps) }
    func upper(_ path: String) -> String { Self.upper("(needed \"leaf.so\") (runtime-path \"\(path)\")") }
    let folder = try await libraries([
      "a/upper.so": upper(path(100)), "b/upper.so": upper(path(1)), "leaf.so": Self.leaf,
    ])
    let (isLinked, messages) = link([folder.file("a/upper.so"), folder.file("leaf.so")])
    #expect(!isLinked)
    for text in [folder.file("a/upper.so"), String(path(100).dropFirst(7)), "leaves the tree"] {
      #expect(messages.contains(text), "\(messages)")
    }
    #expect(link([folder.file("b/upper.so")]) == (true, ""))
  }
}
