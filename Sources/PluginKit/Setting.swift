// SPDX-License-Identifier: Apache-2.0
// The config keys of a plugin, declared once: the host checks the file against them, fills in the defaults and makes
// the reference documentation from them. Reading the values is `PluginHost.config`.

import Glibc
import PluginAPI

/// One key. `path` counts from the config's root, with `[]` for each array element (`cluster.links[].server`);
/// options of the plugin's own block begin with `config.`.
public struct Setting: Sendable {
    let path: String
    let type: SettingType
    let fallback: String?
    let flags: SettingFlags
    let doc: String

    /// `fallback` is the default as written in the config file (`"\"text\""`, `5s`, `[]`). Without one the key is
    /// required, or absent if its type is `.optional`.
    public init(
        _ path: String,
        _ type: SettingType,
        default fallback: String? = nil,
        flags: SettingFlags = [],
        _ doc: String
    ) {
        self.path = path
        self.type = type
        self.fallback = fallback
        self.flags = flags
        self.doc = doc
    }

    /// The same setting below another: for tables of keys that share their beginning and their flags.
    public func below(_ prefix: String, flags: SettingFlags = []) -> Setting {
        Setting(prefix + path, type, default: fallback, flags: self.flags.union(flags), doc)
    }
}

public struct SettingType: Sendable {
    let text: String
    init(_ text: String) { self.text = text }

    public static let string = SettingType("string")
    public static let bool = SettingType("bool")
    public static let int = SettingType("int")
    public static let float = SettingType("float")
    /// Arrives in milliseconds.
    public static let duration = SettingType("duration")
    /// Arrives in bytes.
    public static let bytesize = SettingType("bytesize")
    public static let percent = SettingType("percent")
    public static let any = SettingType("any")
    public static let object = SettingType("object")
    public static let strings = SettingType("string[]")
    public static let stringOrStrings = SettingType("string[]|string")
    public static let ints = SettingType("int[]")
    public static let anys = SettingType("any[]")
    public static let objects = SettingType("object[]")
    public static func oneOf(_ words: String...) -> SettingType {
        SettingType("enum(\(words.joined(separator: ",")))")
    }
    /// The same type, but the key may be absent.
    public var optional: SettingType { SettingType(text + "?") }
}

public struct SettingFlags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Never logged or shown.
    public static let secret = SettingFlags(rawValue: UInt32(ISTH_SETTING_SECRET))
    public static let reloadable = SettingFlags(rawValue: UInt32(ISTH_SETTING_RELOADABLE))
}

/// The C form of a list of settings. It is never freed: the host may read it until after `close`, and a plugin keeps
/// one for the whole process.
public struct Settings: @unchecked Sendable, ExpressibleByArrayLiteral {
    public let table: UnsafePointer<isth_setting>?
    public let count: Int

    public init(arrayLiteral settings: Setting...) { self.init(settings) }

    public init(_ settings: [Setting]) {
        count = settings.count
        guard !settings.isEmpty else {
            table = nil
            return
        }
        let entries = UnsafeMutablePointer<isth_setting>.allocate(capacity: settings.count)
        for (index, setting) in settings.enumerated() {
            (entries + index).initialize(
                to: isth_setting(
                    size: UInt32(MemoryLayout<isth_setting>.size),
                    flags: setting.flags.rawValue,
                    path: UnsafePointer(strdup(setting.path)),
                    type: UnsafePointer(strdup(setting.type.text)),
                    fallback: setting.fallback.map { UnsafePointer(strdup($0)) },
                    doc: UnsafePointer(strdup(setting.doc))
                )
            )
        }
        table = UnsafePointer(entries)
    }
}
