// SPDX-License-Identifier: Apache-2.0
// What the command line says about a run, and the places that are used where it says nothing. Whether those places
// exist and what is in them is for the start-up to find out.

import Glibc

struct RunOptions: Sendable, Equatable {
    var config: String?
    var pluginDirectory: String?
    var dataDirectory: String?

    /// The config file to read: the one that was named, else etc/isthmus.conf if there is one, else none, which means
    /// the built-in defaults.
    var configFile: String? {
        if let config { return config }
        return access(Self.defaultConfig, F_OK) == 0 ? Self.defaultConfig : nil
    }

    /// Where plugins are looked for, in this order: the one that was named, else beside the program (a build
    /// directory) and in ../lib/isthmus/plugins (an installation).
    var pluginDirectories: [String] {
        if let pluginDirectory { return [pluginDirectory] }
        guard let program = Self.programPath else { return [] }
        let directory = PluginDirectory(containing: program).path
        return [directory, PluginDirectory(containing: directory).path(of: "lib/isthmus/plugins")]
    }

    static let defaultConfig = "etc/isthmus.conf"

    private static var programPath: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
