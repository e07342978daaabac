// SPDX-License-Identifier: Apache-2.0
// A directory of its own for each test, and a C compiler to make plugins in it. It goes away with the test.

import Glibc
import PluginAPI
import Testing

@testable import Host

final class Workshop {
    let directory: String
    let loader: PluginLoader

    /// `hidesTrialReports`: a trial process may die of the damage its file has, which is what it is for; what a sanitizer
    /// says of that is written into the workshop. What it says of this process is not.
    init(timeoutMilliseconds: Int = 5000, hidesTrialReports: Bool = false) throws {
        var template = Array("/tmp/isthmus-loader-XXXXXX".utf8CString)
        directory = String(cString: try #require(mkdtemp(&template)))
        var probe = PluginProbe(executable: Self.program, timeoutMilliseconds: timeoutMilliseconds)
        if hidesTrialReports, let options = getenv("ASAN_OPTIONS") {
            probe.environment["ASAN_OPTIONS"] = "\(String(cString: options)) log_path=\(directory)/trial"
        }
        loader = PluginLoader(directories: [directory], probe: probe)
    }

    deinit { _ = try? Self.run(["rm", "-rf", directory]) }

    /// The broker's executable lies beside the tests'.
    private static var program: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count))
        let tests = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return PluginDirectory(containing: tests).path(of: "isthmus")
    }

    func path(_ name: String) -> String { directory + "/" + name }

    // MARK: - Making files

    /// Compiles `source` behind the plugin header; without `arguments` into a shared library.
    func compile(_ source: String, to name: String, _ arguments: [String] = ["-shared", "-fPIC"]) throws {
        let include =
            #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/Sources/PluginAPI/include"
        let file = path(name + ".c")
        try write(Array(("#include \"isthmus_plugin.h\"\n" + source).utf8), to: name + ".c")
        // Options that name libraries work only behind the source that needs them.
        let status = try Self.run(["cc", "-I", include, "-o", path(name), file] + arguments)
        try #require(status == 0, "cc failed for \(name)")
        unlink(file)
    }

    func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o644) throws {
        let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        try #require(file >= 0)
        defer { close(file) }
        try #require(Glibc.write(file, bytes, bytes.count) == bytes.count)
        try #require(fchmod(file, mode) == 0)
    }

    func read(_ name: String) throws -> [UInt8] {
        let file = open(path(name), O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        var status = stat()
        try #require(fstat(file, &status) == 0)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        try #require(Glibc.read(file, &bytes, bytes.count) == bytes.count)
        return bytes
    }

    @discardableResult
    static func run(_ words: [String]) throws -> Int32 {
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        try #require(posix_spawnp(&child, words[0], nil, nil, &arguments, environ) == 0)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    // MARK: - Loading them

    func entry(_ name: String, path: String? = nil) -> PluginEntry {
        PluginEntry(name: name, path: path, origin: "etc/isthmus.conf:3:5")
    }

    /// Why lib<name>.so is refused, after "plugin NAME: FILE "; nil if it is loaded.
    func refusal(_ name: String) -> String? {
        do throws(PluginRefusal) {
            _ = try loader.load(entry(name))
            return nil
        } catch {
            let start = "plugin \(name): \(path("lib\(name).so")) "
            return error.sentence.hasPrefix(start) ? String(error.sentence.dropFirst(start.count)) : error.sentence
        }
    }
}

/// C sources of plugins.
enum Source {
    static let stamp = "ISTH_PLUGIN_STAMP\n"
    static let plainOpen = "int32_t isth_plugin_open(const isth_host *h, isth_plugin *o) { return ISTH_OK; }\n"
    static let plain = stamp + plainOpen

    /// A plugin that describes itself; `start` is the body of its start function, `more` is done last in open.
    static func plugin(_ name: String, start: String = "return ISTH_OK;", more: String = "") -> String {
        stamp + """
            static int32_t start(void *self, isth_hooks *hooks) { \(start) }
            static const isth_setting settings[] = {
              {sizeof(isth_setting), 0, "authorization.no_match", "enum(allow,deny)", "allow", "What then."},
              {sizeof(isth_setting), ISTH_SETTING_SECRET, "config.key", "string?", 0, "A key."}};
            int32_t isth_plugin_open(const isth_host *host, isth_plugin *out) {
              out->size = sizeof *out; out->abi = ISTH_ABI; out->name = "\(name)"; out->version = "1.2.3";
              out->settings = settings; out->setting_count = 2; out->start = start; out->flags = ISTH_GUARDS;
              \(more)
              return ISTH_OK;
            }

            """
    }
}
