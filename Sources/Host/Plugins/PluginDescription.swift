// SPDX-License-Identifier: Apache-2.0
// What a plugin tells of itself, checked and copied into Swift values: the host reads isth_plugin once, here, and
// nothing else trusts its pointers. Whether settings fit the config is not decided here.

import Config
import Glibc
import PluginAPI

/// One config key a plugin reads (isth_setting).
struct PluginSetting: Equatable, Sendable {
    let path: String
    let type: String
    let fallback: String?
    let doc: String
    let isSecret: Bool
    let isReloadable: Bool

    /// Whether it is an option of the plugin's own block rather than a key of the whole config.
    var isOwnOption: Bool { path == "config" || path.hasPrefix("config.") }

    /// The key that stands for it in "who owns this?": `cluster.links` of `cluster.links[].server`, `authorization` of
    /// `authorization.no_match`.
    var owned: String {
        let isArray = path.contains("[") || type.hasSuffix("[]")
        return String(path.prefix { $0 != (isArray ? "[" : ".") })
    }
}

struct PluginDescription: Equatable, Sendable {
    let name: String
    let version: String
    /// The broker must not start without it.
    let guards: Bool
    let settings: [PluginSetting]

    /// The config keys it owns, in the order of their first setting; what lies below another one is left out.
    var roots: [String] {
        var roots: [String] = []
        for key in settings.filter({ !$0.isOwnOption }).map(\.owned)
        where !roots.contains(where: { key == $0 || key.hasPrefix($0 + ".") }) {
            roots.removeAll { $0.hasPrefix(key + ".") }
            roots.append(key)
        }
        return roots
    }

    /// `abi`: what isth_plugin_abi answered.
    init(_ table: isth_plugin, abi: UInt32) throws(PluginProblem) {
        let size = UInt32(MemoryLayout<isth_plugin>.size)
        if table.size != size { throw .badTable("its size is \(table.size) instead of \(size)") }
        if table.abi != abi {
            throw .badTable("its abi is \(PluginABI.text(table.abi)), but the file says \(PluginABI.text(abi))")
        }
        name = try Self.text(table.name, limit: 64, "name")
        if !Self.isName(name) { throw .badTable("its name \"\(name)\" has more than letters, digits, '-' and '_'") }
        version = try Self.text(table.version, limit: 64, "version")
        guards = Int(table.flags) & Int(ISTH_GUARDS) != 0
        settings = try Self.settings(table)
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { isWordByte($0) }
    }

    private static let settingLimit: UInt32 = 4096

    // MARK: - Settings

    private static func settings(_ table: isth_plugin) throws(PluginProblem) -> [PluginSetting] {
        if table.setting_count == 0 { return [] }
        if table.setting_count > settingLimit { throw .badTable("it has \(table.setting_count) settings") }
        guard let first = table.settings else {
            throw .badTable("it counts \(table.setting_count) settings, but `settings` is NULL")
        }
        var settings: [PluginSetting] = []
        var known: Set<String> = []
        for index in 0..<Int(table.setting_count) {
            let setting = try self.setting(first[index], index)
            if !known.insert(setting.path).inserted { throw .badTable("it has the setting \(setting.path) twice") }
            settings.append(setting)
        }
        return settings
    }

    private static func setting(_ setting: isth_setting, _ index: Int) throws(PluginProblem) -> PluginSetting {
        let size = UInt32(MemoryLayout<isth_setting>.size)
        if setting.size != size {
            throw .badTable("the size of its setting \(index) is \(setting.size) instead of \(size)")
        }
        let path = try text(setting.path, limit: 256, "path of its setting \(index)")
        if !isPath(path) { throw .badTable("the path \"\(path)\" of its setting \(index) is not a config path") }
        let type = try text(setting.type, limit: 4096, "type of \(path)")
        if SettingType(text: type) == nil { throw .badTable("the type \"\(type)\" of \(path) is not known") }
        let known = Int(ISTH_SETTING_SECRET) | Int(ISTH_SETTING_RELOADABLE)
        if Int(setting.flags) & ~known != 0 { throw .badTable("\(path) has the unknown flags \(setting.flags)") }
        return PluginSetting(
            path: path,
            type: type,
            fallback: try setting.fallback.map { pointer throws(PluginProblem) in
                try text(pointer, limit: 1 << 16, "default of \(path)", mayBeEmpty: true)
            },
            doc: try setting.doc.map { pointer throws(PluginProblem) in
                try text(pointer, limit: 4096, "description of \(path)", mayBeEmpty: true)
            } ?? "",
            isSecret: Int(setting.flags) & Int(ISTH_SETTING_SECRET) != 0,
            isReloadable: Int(setting.flags) & Int(ISTH_SETTING_RELOADABLE) != 0
        )
    }

    /// `cluster.links[].server`: words with dots between them, each perhaps followed by "[]".
    private static func isPath(_ path: String) -> Bool {
        path.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            let word = part.hasSuffix("[]") ? part.dropLast(2) : part
            return !word.isEmpty && word.utf8.allSatisfy { isWordByte($0) }
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: - C strings

    private static func text(
        _ pointer: UnsafePointer<CChar>?,
        limit: Int,
        _ what: String,
        mayBeEmpty: Bool = false
    ) throws(PluginProblem) -> String {
        guard let pointer else { throw .badTable("its \(what) is NULL") }
        let count = strnlen(pointer, limit + 1)
        if count > limit { throw .badTable("its \(what) is longer than \(limit) bytes") }
        if count == 0 && !mayBeEmpty { throw .badTable("its \(what) is empty") }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .badTable("its \(what) is not UTF-8")
        }
        return text
    }
}
