// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("MemberImportVisibility"),
  // What is unsafe says so where it happens, and stands behind a type that says why it is right.
  .strictMemorySafety(),
]

let package = Package(
  name: "solder",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "SolderLinker", targets: ["SolderLinker"]),
    .library(name: "SolderCommandLine", targets: ["SolderCommandLine"]),
    // For C and others; `Scripts/libsolder` makes one library of it and of what it needs of Swift.
    .library(name: "SolderC", type: .static, targets: ["SolderC"]),
    .executable(name: "solder", targets: ["solder"]),
    .plugin(name: "LinkWithSolder", targets: ["LinkWithSolder"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
    // Only for `swift package generate-documentation`.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
  ],
  targets: [
    // The bytes and the structure of WebAssembly files and of archives; knows nothing of linking.
    .target(name: "WebAssemblyFormat", swiftSettings: settings),
    // What the processor and the C library offer and Swift has no name for.
    .target(name: "CPlatform"),
    // Mangled C++ and Rust names as people write them.
    .target(name: "Demangling", swiftSettings: settings),
    // JSON, read and written.
    .target(name: "JSON", dependencies: ["WebAssemblyFormat"], swiftSettings: settings),
    // What takes the space of a module, as a value, as JSON, as a page; knows nothing of linking.
    .target(name: "SizeReport", dependencies: ["JSON", "WebAssemblyFormat"], swiftSettings: settings),
    // The object model and the passes: options in, bytes or diagnostics out.
    .target(
      name: "SolderLinker",
      dependencies: [
        "WebAssemblyFormat", "Demangling", "JSON", "SizeReport", "CPlatform",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    // The option table, `--help`, response files.
    .target(name: "SolderCommandLine", dependencies: ["SolderLinker", "SizeReport"], swiftSettings: settings),
    // The header for C, and the functions that it declares.
    .target(name: "CSolder"),
    .target(name: "SolderC", dependencies: ["CSolder", "SolderCommandLine"], swiftSettings: settings),
    .executableTarget(name: "solder", dependencies: ["SolderCommandLine", "CPlatform"], swiftSettings: settings),
    .plugin(
      name: "LinkWithSolder",
      capability: .command(
        intent: .custom(verb: "link-with-solder", description: "Builds products for WebAssembly, linked by Solder")),
      dependencies: ["solder"]),
    .testTarget(
      name: "SolderTests",
      dependencies: [
        "SolderLinker", "SolderCommandLine", "WebAssemblyFormat", "Demangling", "JSON", "SizeReport",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      exclude: ["Fuzz/CFuzz", "Fuzz/Driver"],
      swiftSettings: settings),
  ]
)

// `Scripts/fuzz` builds the linker with coverage, in a folder of its own; nothing else has a use for that.
if Context.environment["SOLDER_FUZZ"] != nil {
  package.targets.removeAll { $0.type == .test }
  package.targets += [
    .target(name: "CFuzz", path: "Tests/SolderTests/Fuzz/CFuzz"),
    .executableTarget(
      name: "solder-fuzz",
      dependencies: [
        "SolderLinker", "SolderCommandLine", "WebAssemblyFormat", "Demangling", "JSON", "SizeReport", "CFuzz",
      ],
      path: "Tests/SolderTests/Fuzz", exclude: ["CFuzz"], swiftSettings: settings),
  ]
}
