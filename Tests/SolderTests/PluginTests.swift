import Foundation
import Testing

/// The plugin for SwiftPM, in a package that is built for WebAssembly without an operating system. The plugin's source is
/// copied, so that the package need not build the linker once more.
@Suite struct PluginTests {
  private static let manifest = """
    // swift-tools-version: 6.2
    import PackageDescription

    let package = Package(
      name: "hello",
      products: [.executable(name: "hello", targets: ["hello"])],
      targets: [
        .executableTarget(
          name: "hello",
          swiftSettings: [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])],
          linkerSettings: [.unsafeFlags(["-Xclang-linker", "-nostdlib", "-Xlinker", "--no-entry"])]),
        .plugin(
          name: "LinkWithSolder",
          capability: .command(intent: .custom(verb: "link-with-solder", description: "Links"))),
      ])

    """

  private static let source = """
    @main struct Main { static func main() {} }

    @_expose(wasm, "twice") @_cdecl("twice")
    public func twice(_ x: Int32) -> Int32 { 2 * x }

    """

  @Test func aPackage() async throws {
    let folder = try TemporaryFolder()
    for path in ["Sources/hello", "Plugins/LinkWithSolder"] {
      try FileManager.default.createDirectory(atPath: folder.file(path), withIntermediateDirectories: true)
    }
    try folder.write(Self.manifest.utf8, to: "Package.swift")
    try folder.write(Self.source.utf8, to: "Sources/hello/hello.swift")
    let plugin = "Plugins/LinkWithSolder/LinkWithSolder.swift"
    try FileManager.default.copyItem(atPath: Repository.root + "/" + plugin, toPath: folder.file(plugin))

    func link(_ words: String...) async throws -> ProcessRun {
      let package = ["package", "--disable-sandbox", "--triple", "wasm32-unknown-none-wasm", "link-with-solder"]
      return try await execute(
        Tool.swift.path(), package + ["--solder", Solder.path] + words, in: folder.path)
    }
    let run = try await link("--product", "hello")
    #expect(run.succeeded, "\(run.output)\(run.errors)")
    let path = try #require(run.output.split(separator: "\n").last.map(String.init))
    #expect(try await WebAssemblyHost.shared.invoke(path, [Call("twice", 21)]) == "instantiated\ntwice(21) = 42\n")
    let missing = try await link("--product", "nothing")
    #expect(!missing.succeeded && missing.errors.contains("no executable product nothing (it has hello)"))
    let unknown = try await link("--configuration", "fast")
    #expect(!unknown.succeeded && unknown.errors.contains("fast"))
  }
}
