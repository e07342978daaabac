// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// Warnings are errors in our own code; modules may be inlined into each other, as the message path spans three.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

/// Tests in `Tests/<folder>`, named after its last part.
func tests(_ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    let name = String(folder.split(separator: "/").last ?? "")
    return .testTarget(name: name, dependencies: dependencies, path: "Tests/\(folder)", swiftSettings: settings)
}

let package = Package(
    name: "isthmus",
    products: [.executable(name: "isthmus", targets: ["Host"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "CLinux", path: "Sources/CLinux"),
        .systemLibrary(
            name: "COpenSSL",
            path: "Sources/COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        module("MQTT"),
        module("Reactor", ["CLinux", "COpenSSL"]),
        module("Config"),
        .target(name: "PluginAPI", path: "Sources/PluginAPI"),
        module("Broker", ["MQTT", "PluginAPI"]),
        .executableTarget(
            name: "Host",
            dependencies: ["MQTT", "Reactor", "Config", "Broker", "PluginAPI", "CLinux", argumentParser],
            path: "Sources/Host",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "hocon2json",
            dependencies: ["Config"],
            path: "Tests/Support/hocon2json",
            swiftSettings: settings
        ),
        tests("Unit/MQTTTests", ["MQTT"]),
        tests("Unit/ConfigTests", ["Config"]),
        tests("Unit/HostTests", ["Host", "PluginAPI", argumentParser]),
        tests("Component/LoaderTests", ["Host", "PluginAPI", "CLinux"]),
    ]
)
