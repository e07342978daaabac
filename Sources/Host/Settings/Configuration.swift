// SPDX-License-Identifier: Apache-2.0
// The configuration in two steps: which plugins it names, which needs the host's own keys only, and then all of it,
// checked against the keys of host and plugins.

import Broker
import Config
import Glibc

struct Configuration {
    /// For messages: the file, or that there is none.
    let name: String
    private let file: String?
    private let dataDirectory: String?

    init(_ options: RunOptions) {
        file = options.configFile
        dataDirectory = options.dataDirectory
        name = file ?? "built-in defaults"
    }

    /// The plugins to load, in chain order. Without a list these are the ones that own a key of the config: `owners`
    /// tells whose keys are whose, and is asked only if there is a key that the host does not know.
    func pluginEntries(
        owners: () -> [(key: String, plugin: String)]
    ) throws(StartError) -> [(entry: PluginEntry, options: Value?)] {
        let schema = try Self.schema(with: [])
        let merged = try merged(with: schema)
        if merged.value.lookup("plugins") == nil {
            // A variable that is warned of may set a plugin's key.
            if merged.warnings.isEmpty, schema.validate(merged.value).errors.isEmpty { return [] }
            return try impliedEntries(schema, owners())
        }
        // Only the list itself is checked here: other keys may belong to the plugins on it.
        let list = schema.validate(merged.value, at: "plugins")
        guard list.errors.isEmpty else { throw StartError(list.errors.map(\.description)) }
        return (list.value?.array() ?? []).compactMap { item in
            guard item.bool(at: "enable") != false, let name = item.string(at: "name") else { return nil }
            let entry = PluginEntry(name: name, path: item.string(at: "path"), origin: item.origin.description)
            return (entry, item.lookup("config"))
        }
    }

    private func impliedEntries(
        _ host: Schema,
        _ owners: [(key: String, plugin: String)]
    ) throws(StartError) -> [(entry: PluginEntry, options: Value?)] {
        var schema = host
        for key in Set(owners.map(\.key)) {
            // A key that the host has is not a plugin's, whatever that says.
            if let more = try? schema.adding([Setting(key, .optional(.any), doc: "")]) { schema = more }
        }
        let value = try merged(with: schema).value
        var entries: [PluginEntry] = []
        var ownerOf: [String: String] = [:]
        for (key, plugin) in owners {
            guard let origin = value.keyOrigin(key) else { continue }
            if let other = ownerOf.updateValue(plugin, forKey: key), other != plugin {
                throw StartError(
                    "\(origin): \"\(key)\" belongs to the plugins \(other) and \(plugin); say which by plugins = [{ name = … }]"
                )
            }
            if entries.contains(where: { $0.name == plugin }) { continue }
            entries.append(PluginEntry(name: plugin, path: nil, origin: origin.description, impliedBy: key))
        }
        return entries.map { (entry: $0, options: nil) }
    }

    /// What is needed before the plugins are loaded. What is wrong with it is told with everything else that is.
    func earlyValues() throws(StartError) -> (logLevel: LogLevel, eventLoops: Int) {
        let schema = try Self.schema(with: [])
        let value = try merged(with: schema).value
        let console = schema.validate(value, at: "log").value?.lookup("console")
        var level = console?.string(at: "level").flatMap(LogLevel.init(name:)) ?? .notice
        if console?.bool(at: "enable") == false { level = .error }
        let loops = schema.validate(value, at: "node").value?.int(at: "event_loops") ?? 0
        return (level, max(loops, 0))
    }

    /// Everything, checked. `owners` tells who owns a key nobody loaded knows: it is asked only if there is one.
    func checked(
        _ plugins: [LoadedPlugin],
        toleratesUnknownKeys: Bool,
        owners: () -> [(key: String, plugin: String)]
    ) throws(StartError) -> (value: Value, warnings: [String]) {
        let schema = try Self.schema(with: try Self.settings(of: plugins))
        let merged = try merged(with: schema)
        var warnings = merged.warnings
        let result = schema.validate(merged.value)
        var errors = result.errors
        let remarks = AcceptedSettings.remarks(on: result.value)
        errors += remarks.errors
        warnings += remarks.warnings
        if !errors.isEmpty {
            for owner in owners() {
                guard let value = merged.value.lookup(owner.key) else { continue }
                let place = merged.value.keyOrigin(owner.key) ?? value.origin
                let sentence = """
                    \(place): "\(owner.key)" belongs to the plugin \(owner.plugin), which is not in plugins; add \
                    { name = "\(owner.plugin)" } to plugins or remove it
                    """
                errors.removeAll { $0.origin == place }
                errors.insert(ConfigError(place, String(sentence.dropFirst("\(place): ".count))), at: 0)
            }
        }
        if toleratesUnknownKeys {
            let unknown = errors.filter { $0.message.hasPrefix("unknown key") }
            errors.removeAll { unknown.contains($0) }
            warnings += unknown.map { "\($0); ignored, as it may belong to the plugin that failed" }
        }
        guard errors.isEmpty else { throw StartError(errors.map(\.description)) }
        return (withDataDirectory(result.value), warnings)
    }

    /// Whether there is a file that says nothing at all, as one does for a moment that is written anew in place.
    func isEmptyFile() throws(StartError) -> Bool {
        guard let file else { return false }
        do throws(ConfigError) {
            let source = ConfigSource(name: name)
            try source.add(file: file)
            return try source.value().object()?.fields.isEmpty ?? true
        } catch {
            throw StartError(error.description)
        }
    }

    /// `--data-dir` stands above the config's `node.data_dir`.
    private func withDataDirectory(_ value: Value) -> Value {
        guard let dataDirectory, case .object(var root) = value.kind, var node = root["node"],
            case .object(var fields) = node.kind
        else { return value }
        let origin = Origin(file: "--data-dir")
        fields.set("data_dir", Value(.string(dataDirectory), origin), keyOrigin: origin)
        node.kind = .object(fields)
        root.set("node", node, keyOrigin: origin)
        return Value(.object(root), value.origin)
    }

    /// The keys of the whole config that the plugins own.
    static func settings(of plugins: [LoadedPlugin]) throws(StartError) -> [Setting] {
        var settings: [Setting] = []
        for plugin in plugins {
            for setting in plugin.description.settings where !setting.isOwnOption {
                settings.append(try Self.setting(setting, of: plugin))
            }
        }
        return settings
    }

    /// The plugin's own block, checked against the settings below `config.`.
    static func checkedOptions(_ options: Value?, of plugin: LoadedPlugin, at place: String) throws(StartError) -> Value
    {
        var settings: [Setting] = []
        for setting in plugin.description.settings where setting.isOwnOption {
            var own = try Self.setting(setting, of: plugin)
            own.path = String(setting.path.dropFirst("config.".count))
            settings.append(own)
        }
        let value = options ?? Value(.object(Object()), Origin(file: place))
        let result: (value: Value, errors: [ConfigError])
        do throws(ConfigError) {
            result = try Schema(settings).validate(value, under: "config")
        } catch {
            throw StartError("plugin \(plugin.description.name): \(error.description)")
        }
        guard result.errors.isEmpty else { throw StartError(result.errors.map(\.description)) }
        return result.value
    }

    private static func setting(_ setting: PluginSetting, of plugin: LoadedPlugin) throws(StartError) -> Setting {
        do throws(ConfigError) {
            return try Setting(
                path: setting.path,
                type: setting.type,
                fallback: setting.fallback,
                doc: setting.doc,
                secret: setting.isSecret,
                reloadable: setting.isReloadable
            )
        } catch {
            throw StartError("plugin \(plugin.description.name): \(error.description)")
        }
    }

    /// Of the host's own keys.
    private static let host = Result { () throws(ConfigError) in try Schema(HostSettings.all) }

    static func schema(with more: [Setting]) throws(StartError) -> Schema {
        do throws(ConfigError) {
            return try host.get().adding(more)
        } catch {
            throw StartError(error.description)
        }
    }

    /// File, then environment: EMQX's names, then our own.
    private func merged(with schema: Schema) throws(StartError) -> (value: Value, warnings: [String]) {
        let written = try written(with: schema)
        let texts = EMQXTexts(written.value, file: file)
        guard texts.errors.isEmpty else { throw StartError(texts.errors.map(\.description)) }
        return (texts.value, written.warnings + texts.warnings)
    }

    private func written(with schema: Schema) throws(StartError) -> (value: Value, warnings: [String]) {
        do throws(ConfigError) {
            let source = ConfigSource(name: name)
            if let file { try source.add(file: file) }
            let environment = Self.environment()
            let foreign = try source.add(environment: environment, prefix: "EMQX_", schema: schema)
            try source.add(environment: environment, schema: schema)
            var warnings = source.warnings.map(\.description)
            if !foreign.isEmpty {
                let names = foreign.map { "$\($0)" }.joined(separator: ", ")
                warnings.append("EMQX_… works like ISTHMUS_…, which stands above it: \(names) counts")
            }
            return (try source.value(), warnings)
        } catch {
            throw StartError(error.description)
        }
    }

    private static func environment() -> [(name: String, value: String)] {
        var variables: [(name: String, value: String)] = []
        var pointer = environ
        while let entry = pointer.pointee {
            pointer += 1
            guard strncmp(entry, "ISTHMUS_", 8) == 0 || strncmp(entry, "EMQX_", 5) == 0 else { continue }
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
            }
        }
        return variables
    }
}

extension Value {
    /// Where the last key of a dotted path was written.
    fileprivate func keyOrigin(_ path: String) -> Origin? {
        guard let dot = path.lastIndex(of: ".") else { return object()?.field(path)?.keyOrigin }
        return object(at: String(path[..<dot]))?.field(String(path[path.index(after: dot)...]))?.keyOrigin
    }
}
