// SPDX-License-Identifier: Apache-2.0
// One opened plugin as the host knows it: what `isth_ctx *` points to. It lives as long as the process, since a plugin
// may call until its last thread has ended.

import Broker
import Config
import PluginAPI
import Reactor

final class PluginContext: @unchecked Sendable {
    let name: String
    /// Set before `start`; absent while the plugin is only open.
    private(set) var runtime: Runtime?
    private let earlyLog: Log
    private let linesAsSuch: LogKind
    /// The options of its own block, checked.
    var options: Value {
        get { lock.withLock { ownOptions } }
        set { lock.withLock { ownOptions = newValue } }
    }
    private var ownOptions: Value
    /// The whole configuration as this plugin is to see it: the one in force, or, during its `reload`, the one it is asked
    /// about; one that it did not take over it does not see afterwards.
    private var config: Value?
    private(set) var hookFilters: [[UInt8]] = []
    private let lock = Lock()
    /// Texts lent to the plugin, by what was asked; kept until the next reload.
    private var lent: [String: UnsafeMutableBufferPointer<CChar>] = [:]
    private(set) var table: UnsafePointer<isth_host>!

    init(name: String, loopCount: Int, log: Log, options: Value) {
        self.name = name
        earlyLog = log
        linesAsSuch = LogKind("what \(name) says", isRoutine: true)
        ownOptions = options
        let context = OpaquePointer(Unmanaged.passRetained(self).toOpaque())
        let table = UnsafeMutablePointer<isth_host>.allocate(capacity: 1)
        table.initialize(to: HostTable.make(context, loopCount: UInt32(loopCount)))
        self.table = UnsafePointer(table)
    }

    static func from(_ context: OpaquePointer) -> PluginContext {
        Unmanaged<PluginContext>.fromOpaque(UnsafeRawPointer(context)).takeUnretainedValue()
    }

    /// A plugin that says the same over and over is throttled, too; what it says of a client or a link it had better say by
    /// `log/1`.
    func log(_ level: LogLevel, _ text: String) { log(level, linesAsSuch, text, text) }

    func log(_ level: LogLevel, _ kind: LogKind, _ subject: String, _ text: String) {
        earlyLog.repeated(level, kind, subject) { "\(name): \(text)" }
    }

    func isLogged(_ level: LogLevel) -> Bool { level >= earlyLog.level }

    func addHookFilter(_ filter: [UInt8]) { hookFilters.append(filter) }

    // MARK: Config

    /// A checked value: of the plugin's own block below `config`, else of the whole config.
    func value(at path: String) -> Value? {
        if path == "config" { return options }
        if path.hasPrefix("config.") { return options.lookup(String(path.dropFirst(7))) }
        guard let value = lock.withLock({ config })?.lookup(path) else { return nil }
        if case .null = value.kind { return nil }
        return value
    }

    /// Before `start`.
    func begin(_ runtime: Runtime) {
        self.runtime = runtime
        config = runtime.config
    }

    /// Runs the plugin's reload on new options and a new configuration; unless it takes them over (ISTH_OK), it sees the
    /// old ones again afterwards. What was lent before is good until it returns, and longer if the old ones stay.
    func reload(_ options: Value, _ config: Value, _ body: () -> Int32) -> Int32 {
        let old = lock.withLock {
            defer { (ownOptions, self.config, lent) = (options, config, [:]) }
            return (options: ownOptions, config: self.config, lent: lent)
        }
        let answer = body()
        let outdated = lock.withLock {
            if answer == ISTH_OK { return old.lent }
            defer { (ownOptions, self.config, lent) = (old.options, old.config, old.lent) }
            return lent
        }
        for text in outdated.values { text.deallocate() }
        return answer
    }

    /// A copy of `text` that the plugin may read until the next reload.
    func lend(_ key: String, _ text: @autoclosure () -> String) -> isth_str {
        lock.withLock {
            if let known = lent[key] { return isth_str(ptr: known.baseAddress, len: known.count) }
            let bytes = Array(text().utf8)
            let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
            for (i, byte) in bytes.enumerated() { copy[i] = CChar(bitPattern: byte) }
            lent[key] = copy
            return isth_str(ptr: copy.baseAddress, len: bytes.count)
        }
    }
}

extension isth_str {
    var string: String { String(decoding: UnsafeRawBufferPointer(start: ptr, count: len), as: UTF8.self) }
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: ptr, count: len)) }
}
