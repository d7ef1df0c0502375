// swift-tools-version: 6.2

import PackageDescription

let package = Package(
  name: "calculator",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "calc", targets: ["calc"])
  ],
  targets: [
    .executableTarget(name: "calc", swiftSettings: [.treatAllWarnings(as: .error)])
  ]
)
