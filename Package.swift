// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// Warnings are errors in our own code; modules may be inlined into each other, as the message path spans three.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

func unitTests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/Unit/\(name)", swiftSettings: settings)
}

/// A plugin is a shared library of its own: `lib<Name>.so`, two exports, nothing of the host inside.
func plugin(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = ["README.md"]) -> Target {
    .target(
        name: name,
        dependencies: ["PluginAPI", "PluginKit"] + dependencies,
        path: "Plugins/\(name)",
        exclude: exclude,
        swiftSettings: settings
    )
}

let plugins = ["ClusterLink", "FileACL", "PasswordAuth"]

let package = Package(
    name: "isthmus",
    products: [.executable(name: "isthmus", targets: ["Host"])]
        + plugins.map { .library(name: $0, type: .dynamic, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        module("MQTT"),
        module("Reactor", ["COpenSSL"]),
        module("Config"),
        module("Broker", ["MQTT", "PluginAPI"]),
        .target(name: "PluginAPI", path: "Sources/PluginAPI"),
        module("PluginKit", ["PluginAPI"]),
        .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPCRE2", path: "Sources/CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CCrypt", path: "Sources/CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .executableTarget(
            name: "Host",
            dependencies: [
                "MQTT", "Reactor", "Config", "Broker", "PluginAPI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Host",
            swiftSettings: settings
        ),
        plugin("ClusterLink", ["CZlib"]),
        plugin("FileACL", ["CPCRE2"]),
        plugin("PasswordAuth", ["COpenSSL", "CCrypt"]),
        unitTests("MQTTTests", ["MQTT"]),
        unitTests("ReactorTests", ["Reactor"]),
        unitTests("ConfigTests", ["Config"]),
        unitTests("BrokerTests", ["Broker", "MQTT"]),
    ]
)
