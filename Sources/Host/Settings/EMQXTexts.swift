// SPDX-License-Identifier: Apache-2.0
// EMQX's older and longer ways to say a thing, brought into the form that the schema knows, before anything is checked:
// keys by their former names, a block that is an array elsewhere, parts that are switched off, the default zone. What asks
// for something that is not here is named in one sentence, instead of by each of its keys.

import Config
import Glibc

struct EMQXTexts {
    private(set) var value: Value
    private(set) var errors: [ConfigError] = []
    private(set) var warnings: [String] = []
    /// The folder of the config file.
    private let folder: String

    init(_ value: Value, file: String?) {
        self.value = value
        folder = file?.lastIndex(of: "/").map { String(file?[..<$0] ?? "") } ?? "."
        fillInFolders()
        useTheDefaultZone()
        renameKeys()
        dropPlugins()
        dropListeners()
        refuseVersion4()
        makeArray("authentication")
        keepServed(
            ["authentication"],
            standIn: ["mechanism": "password_based", "backend": "built_in_database"],
            mend: "use mechanism = password_based or scram with backend = built_in_database"
        ) { Self.isServed(authenticator: $0) }
        keepServed(["authorization", "sources"], standIn: ["type": "file"], mend: "use type = file") {
            $0.string(at: "type") == "file"
        }
    }

    // MARK: Names

    private mutating func renameKeys() {
        let renamed = [
            ("log", "console_handler", "console"), ("log", "file_handlers", "file"),
            ("retainer", "deliver_rate", "delivery_rate"),
            ("force_shutdown", "max_message_queue_len", "max_mailbox_size"),
        ]
        for (block, old, new) in renamed {
            value = value.changing([block]) { object in
                guard object[new] == nil else { return object }
                return object.mapped { $0.key == old ? (new, $0.value) : ($0.key, $0.value) }
            }
        }
        let levels = ["all": "debug", "critical": "error", "alert": "error", "emergency": "error"]
        value = value.changing(["log", "console"]) { object in
            object.mapped { field in
                guard field.key == "level", let word = field.value.string(), let level = levels[word] else {
                    return (field.key, field.value)
                }
                return (field.key, Value(.string(level), field.value.origin))
            }
        }
        // It tunes what EMQX keeps of answers from elsewhere. The block is a plugin's, so it is no key of ours.
        value = value.changing(["authorization"]) { object in
            object.mapped { $0.key == "node_cache" ? nil : ($0.key, $0.value) }
        }
    }

    /// EMQX puts its own folder in.
    private mutating func fillInFolders() {
        let name = "${EMQX_ETC_DIR}"
        let etc = getenv("EMQX_ETC_DIR").map { String(cString: $0) } ?? folder
        value = value.mappingStrings { $0.hasPrefix(name) ? etc + $0.dropFirst(name.count) : $0 }
    }

    // MARK: Blocks

    private mutating func useTheDefaultZone() {
        guard case .object(let zone)? = value.lookup("zones.default")?.kind else { return }
        value = value.changing(["zones"]) { object in
            object.mapped { $0.key == "default" ? nil : ($0.key, $0.value) }
        }
        value = value.changing([]) { root in
            var root = root
            for field in zone.fields {
                let merged = root[field.key].map { $0.overlaid(with: field.value) } ?? field.value
                root.set(field.key, merged, keyOrigin: field.keyOrigin)
            }
            return root
        }
    }

    private mutating func dropPlugins() {
        guard case .object(let plugins)? = value.lookup("plugins")?.kind, plugins["1"] == nil else { return }
        if case .array(let states)? = plugins["states"]?.kind, let first = states.first {
            warnings.append(
                "\(first.origin): plugins.states names plugins of EMQX, which are not loaded; ours are named by plugins = [{ name = … }]"
            )
        }
        value = value.changing([]) { root in root.mapped { $0.key == "plugins" ? nil : ($0.key, $0.value) } }
    }

    private mutating func dropListeners() {
        guard case .object(let listeners)? = value.lookup("listeners")?.kind else { return }
        for field in (listeners["quic"]?.object()?.fields ?? []) where !field.value.isSwitchedOff {
            errors.append(
                ConfigError(
                    field.keyOrigin,
                    "listeners.quic.\(field.key) is not served: there is no MQTT over QUIC; set enable = false in it, or use listeners.ssl"
                )
            )
        }
        value = value.changing(["listeners"]) { listeners in
            listeners.mapped { kind in
                guard kind.key != "quic" else { return nil }
                let named = kind.value.changing([]) { names in
                    names.mapped { name in
                        let listener = name.value.changing([]) { object in
                            object.mapped { field in
                                field.key == "authentication" && field.value.array()?.isEmpty == true
                                    ? nil : (field.key, field.value)
                            }
                        }
                        return (name.key, listener)
                    }
                }
                return (kind.key, named)
            }
        }
    }

    private mutating func refuseVersion4() {
        let advice = [
            "allow_anonymous":
                "whoever comes in is asked if authentication has an entry, and else only this machine's clients are let in",
            "listener": "write listeners.tcp.default.bind = 1883",
            "acl_file": "write authorization.sources = [{ type = file, path = \"acl.conf\" }]",
            "acl_nomatch": "write authorization.no_match = deny",
        ]
        guard case .object(let root) = value.kind else { return }
        for field in root.fields {
            guard let mend = advice[field.key] else { continue }
            errors.append(ConfigError(field.keyOrigin, "\"\(field.key)\" is a key of EMQX 4: \(mend)"))
        }
        value = value.changing([]) { root in root.mapped { advice[$0.key] == nil ? ($0.key, $0.value) : nil } }
    }

    // MARK: Who is asked

    private mutating func makeArray(_ key: String) {
        guard case .object(let object)? = value.lookup(key)?.kind, object["1"] == nil, !object.fields.isEmpty else {
            return
        }
        value = value.changing([]) { root in
            root.mapped { field in
                (field.key, field.key == key ? Value(.array([field.value]), field.value.origin) : field.value)
            }
        }
    }

    private static func isServed(authenticator: Value) -> Bool {
        let backend = authenticator.string(at: "backend")
        let mechanism = authenticator.string(at: "mechanism")
        return (backend == nil || backend == "built_in_database")
            && (mechanism == nil || mechanism == "password_based" || mechanism == "scram")
    }

    /// What is switched off keeps its place without its keys, as nobody asks it; what is not stops the start: it would
    /// guard.
    private mutating func keepServed(
        _ path: [String],
        standIn: [String: String],
        mend: String,
        _ isServed: (Value) -> Bool
    ) {
        let name = path.joined(separator: ".")
        guard case .array(let items)? = value.lookup(name)?.kind else { return }
        var kept: [Value] = []
        for (place, item) in items.enumerated() {
            guard case .object = item.kind, !isServed(item) else {
                kept.append(item)
                continue
            }
            kept.append(item.switchedOff(as: standIn))
            if item.isSwitchedOff { continue }
            let what = ["mechanism", "backend", "type"].compactMap { key in
                item.string(at: key).map { "\(key) = \($0)" }
            }
            errors.append(
                ConfigError(
                    item.origin,
                    "\(name)[\(place)] is not served: \(what.joined(separator: ", ")); \(mend), a plugin of your own "
                        + "(docs/plugin-abi.md), or set enable = false in it"
                )
            )
        }
        guard let last = path.last else { return }
        value = value.changing(path.dropLast()) { object in
            object.mapped { ($0.key, $0.key == last ? Value(.array(kept), $0.value.origin) : $0.value) }
        }
    }
}

extension Value {
    fileprivate func switchedOff(as fields: [String: String]) -> Value {
        var object = Object()
        for (key, text) in fields { object.set(key, Value(.string(text), origin), keyOrigin: origin) }
        object.set("enable", Value(.bool(false), origin), keyOrigin: origin)
        return Value(.object(object), origin)
    }

    fileprivate var isSwitchedOff: Bool { bool(at: "enable") == false || string(at: "enable") == "false" }

    /// With what `change` makes of the object at this path, if there is one.
    fileprivate func changing(_ path: some Collection<String>, _ change: (Object) -> Object) -> Value {
        guard case .object(var object) = kind else { return self }
        guard let first = path.first else { return Value(.object(change(object)), origin) }
        guard let field = object.field(first) else { return self }
        object.set(first, field.value.changing(path.dropFirst(), change), keyOrigin: field.keyOrigin)
        return Value(.object(object), origin)
    }

    fileprivate func mappingStrings(_ body: (String) -> String) -> Value {
        switch kind {
        case .string(let text): Value(.string(body(text)), origin)
        case .array(let items): Value(.array(items.map { $0.mappingStrings(body) }), origin)
        case .object(let object): Value(.object(object.mapped { ($0.key, $0.value.mappingStrings(body)) }), origin)
        case .null, .bool, .number: self
        }
    }

    /// As a later block in the same file would be.
    fileprivate func overlaid(with other: Value) -> Value {
        guard case .object(var object) = kind, case .object(let more) = other.kind else { return other }
        for field in more.fields {
            let merged = object[field.key].map { $0.overlaid(with: field.value) } ?? field.value
            object.set(field.key, merged, keyOrigin: field.keyOrigin)
        }
        return Value(.object(object), origin)
    }
}

extension Object {
    /// The fields as `body` has them, without those for which it answers nil.
    fileprivate func mapped(_ body: (Field) -> (key: String, value: Value)?) -> Object {
        var object = Object()
        for field in fields {
            if let (key, value) = body(field) { object.set(key, value, keyOrigin: field.keyOrigin) }
        }
        return object
    }
}
