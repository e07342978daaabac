// SPDX-License-Identifier: Apache-2.0
// A block of a listener's options, with its path and place for messages.

import Config

struct OptionsPlace {
    let value: Value
    /// `listeners.ssl.default.ssl_options`
    let path: String
    /// Of the listener, for what is missing.
    let origin: Origin

    func below(_ key: String) -> OptionsPlace {
        let value = value.lookup(key) ?? Value(.object(Object()), origin)
        return OptionsPlace(
            value: value,
            path: "\(path).\(key)",
            origin: value.origin.isFallback ? origin : value.origin
        )
    }

    /// The place of the key, or of the listener if the key is not written.
    func error(_ key: String, _ text: String) -> StartError {
        let written = value.lookup(key)?.origin
        let place = written.map { $0.isFallback ? origin : $0 } ?? origin
        return StartError("\(place): \(path).\(key) \(text)")
    }

    /// Strings of an array, or of one string with commas between them.
    func list(_ key: String) -> [String] {
        if let items = value.array(at: key) { return items.compactMap { $0.string() } }
        return (value.string(at: key) ?? "").split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Keys that say who may do what, or how much, must not be passed over in silence where they are not served.
    func refuseUnserved() throws(StartError) {
        if value.lookup("authentication") != nil {
            throw error("authentication", "is not served: set authentication for all listeners, outside of them")
        }
        if value.string(at: "zone") != "default" {
            throw error("zone", "is not served: there is one zone, \"default\", with the settings of mqtt; remove it")
        }
    }
}
