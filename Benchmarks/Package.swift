// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// A package of its own, so that building the linker does not build the benchmark. It shares no source with the linker:
// its inputs and its checks must not inherit a misunderstanding of the format.
let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  targets: [
    // Writes objects, archives and modules.
    .executableTarget(name: "generate-inputs", path: "Sources/GenerateInputs", swiftSettings: settings),
    // Runs one command and reports its time and memory.
    .executableTarget(name: "measure", path: "Sources/Measure", swiftSettings: settings),
    // Runs the linkers in turn on the cases, checks their results, prints the tables.
    .executableTarget(name: "run-benchmark", path: "Sources/RunBenchmark", swiftSettings: settings),
  ]
)
