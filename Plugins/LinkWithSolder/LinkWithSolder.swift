import Foundation
import PackagePlugin

/// Builds products of a package for WebAssembly, with Solder in the place of the toolchain's linker:
///
///     swift package --swift-sdk SDK link-with-solder [--product NAME]... [--configuration debug|release] [--solder PATH]
///
/// The SDK is named as for `swift build`. Without a product, all executables of the package are built. The linker is built from
/// this package, unless there is one at a path.
@main
struct LinkWithSolder: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) async throws {
    var extractor = ArgumentExtractor(arguments)
    let names = extractor.extractOption(named: "product")
    let configuration = extractor.extractOption(named: "configuration").last ?? "release"
    let linker = extractor.extractOption(named: "solder").last
    if let unknown = extractor.remainingArguments.first { throw Failure("unknown argument: \(unknown)") }
    guard let configuration = PackageManager.BuildConfiguration(rawValue: configuration) else {
      throw Failure("unknown configuration: \(configuration) (known are debug and release)")
    }
    let products = context.package.products.filter { $0 is ExecutableProduct }.map(\.name)
    if let missing = names.first(where: { !products.contains($0) }) {
      throw Failure(
        "\(context.package.displayName) has no executable product \(missing) (it has \(products.joined(separator: ", ")))"
      )
    }
    let solder = try linker ?? context.tool(named: "solder").url.path
    for name in names.isEmpty ? products : names {
      var parameters = PackageManager.BuildParameters(configuration: configuration)
      parameters.otherSwiftcFlags = ["-use-ld=\(solder)"]
      let result = try packageManager.build(.product(name), parameters: parameters)
      guard result.succeeded else { throw Failure("\(name) could not be built:\n\(result.logText)") }
      for artifact in result.builtArtifacts where artifact.kind == .executable { print(artifact.url.path) }
    }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ text: String) { description = text }
  }
}
