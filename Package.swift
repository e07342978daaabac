// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// Warnings are errors in our own code. Modules may be inlined into each other, as the message path spans three; debug
/// builds, which all tests run in, check exclusive access, release builds do not: it is a fifth of the message path.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(
        ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
        .when(configuration: .release)
    ),
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

/// A plugin is a shared library of its own, `lib<Name>.so`: two exports, nothing of the host inside, never unloaded.
func plugin(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    folder: String? = nil,
    exclude: [String] = ["README.md"]
) -> Target {
    .target(
        name: name,
        dependencies: ["PluginAPI", "PluginKit"] + dependencies,
        path: "Plugins/\(folder ?? name)",
        exclude: exclude,
        swiftSettings: settings,
        linkerSettings: [
            .unsafeFlags([
                "-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/exports.map",
                "-Xlinker", "-z", "-Xlinker", "nodelete",
            ])
        ]
    )
}

/// What a plugin does without its host, so that tests can link it without the two exports.
func pluginPart(
    _ name: String,
    _ folder: String,
    _ dependencies: [Target.Dependency],
    exclude: [String] = []
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Plugins/\(folder)",
        exclude: exclude,
        swiftSettings: settings
    )
}

func system(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

let plugins = ["ClusterLink", "FileACL", "PasswordAuth", "HelloSwift"]

let package = Package(
    name: "isthmus",
    products: [.executable(name: "isthmus", targets: ["Host"])]
        + plugins.map { .library(name: $0, type: .dynamic, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "CLinux", path: "Sources/CLinux"),
        system("COpenSSL", "openssl", "libssl-dev"),
        system("CPCRE2", "libpcre2-8", "libpcre2-dev"),
        system("CCrypt", "libcrypt", "libcrypt-dev"),
        system("CZlib", "zlib", "zlib1g-dev"),
        module("MQTT"),
        module("Reactor", ["CLinux", "COpenSSL"]),
        module("WebSocket", ["COpenSSL"]),
        module("Config"),
        .target(name: "PluginAPI", path: "Sources/PluginAPI"),
        module("PluginKit", ["PluginAPI"]),
        module("Broker", ["MQTT", "PluginAPI"]),
        .executableTarget(
            name: "Host",
            dependencies: [
                "MQTT", "Reactor", "WebSocket", "Config", "Broker", "PluginAPI", "CLinux", "COpenSSL", argumentParser,
            ],
            path: "Sources/Host",
            swiftSettings: settings
        ),
        pluginPart(
            "ClusterLinkBody",
            "ClusterLink",
            ["PluginAPI", "PluginKit", "CZlib"],
            exclude: ["Exports", "README.md"]
        ),
        plugin("ClusterLink", ["ClusterLinkBody"], folder: "ClusterLink/Exports", exclude: []),
        pluginPart("FileACLRules", "FileACL/Rules", ["PluginAPI", "PluginKit", "CPCRE2"]),
        plugin("FileACL", ["FileACLRules"], exclude: ["README.md", "Rules"]),
        pluginPart("PasswordAuthUsers", "PasswordAuth/Users", ["PluginKit", "COpenSSL", "CCrypt"]),
        plugin("PasswordAuth", ["PasswordAuthUsers"], exclude: ["README.md", "Users"]),
        plugin("HelloSwift", folder: "Examples/HelloSwift"),
        .target(
            name: "MockHost",
            dependencies: ["PluginAPI", "PluginKit"],
            path: "Tests/Support/MockHost",
            swiftSettings: settings
        ),
        .target(name: "TestRandom", path: "Tests/Support/TestRandom", swiftSettings: settings),
        .executableTarget(
            name: "hocon2json",
            dependencies: ["Config"],
            path: "Tests/Support/hocon2json",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "routing-benchmark",
            dependencies: ["Broker", "MQTT", "PluginAPI"],
            path: "Benchmarks/routing",
            swiftSettings: settings
        ),
        tests("Unit/MQTTTests", ["TestRandom", "MQTT"]),
        .target(
            name: "LinkTestSupport",
            dependencies: ["ClusterLinkBody", "PluginAPI", "PluginKit"],
            path: "Tests/Support/LinkTestSupport",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "etftool",
            dependencies: ["ClusterLinkBody", "LinkTestSupport", "PluginAPI", "PluginKit", "CZlib"],
            path: "Tests/Support/etftool",
            swiftSettings: settings
        ),
        tests(
            "Unit/ClusterLinkTests",
            ["TestRandom", "ClusterLinkBody", "LinkTestSupport", "PluginAPI", "PluginKit", "CZlib"]
        ),
        tests("Unit/BrokerTests", ["TestRandom", "Broker", "MQTT", "PluginAPI"]),
        tests("Unit/ConfigTests", ["TestRandom", "Config"]),
        tests("Unit/FileACLTests", ["TestRandom", "FileACLRules", "PluginAPI", "PluginKit", "MockHost"]),
        tests("Unit/PasswordAuthTests", ["PasswordAuthUsers", "PluginAPI", "PluginKit", "MockHost"]),
        tests("Unit/PluginKitTests", ["PluginAPI", "PluginKit", "MockHost"]),
        tests("Unit/HostTests", ["Host", "PluginAPI", argumentParser]),
        tests("Unit/MetricsTests", ["Host", "PluginAPI"]),
        tests("Unit/WebSocketTests", ["TestRandom", "WebSocket"]),
        tests("Component/ReactorTests", ["Reactor", "COpenSSL"]),
        tests("Component/MQTTClientTests", ["Host", "MQTT", "Reactor", "Config", "Broker", "PluginAPI"]),
        tests("Component/LoaderTests", ["TestRandom", "Host", "PluginAPI", "CLinux"]),
    ]
)

// TEST_TARGETS=MQTTTests,ReactorTests in the environment: a sanitizer's build without the tests that it does not run.
if let wanted = Context.environment["TEST_TARGETS"]?.split(separator: ",") {
    package.targets.removeAll { target in target.type == .test && !wanted.contains { $0 == target.name } }
}
