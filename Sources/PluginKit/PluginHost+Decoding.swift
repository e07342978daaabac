// SPDX-License-Identifier: Apache-2.0
// Config values as Swift types. The host has checked their shape and filled in the defaults, so a failure here means
// that the declared setting and the Swift type disagree; it still ends in a sentence, never in a crash.

import FoundationEssentials

extension PluginHost {
    /// The value at `path`, which must be there: a key with a default always is.
    public func config<Value: Decodable>(_ type: Value.Type, at path: String) throws -> Value {
        guard let value = try configIfPresent(type, at: path) else {
            throw PluginError("The setting \(path) is missing: add it to the config file.")
        }
        return value
    }

    /// Nil if the key is absent or null.
    public func configIfPresent<Value: Decodable>(_ type: Value.Type, at path: String) throws -> Value? {
        guard let json = configJSON(path) else { return nil }
        do {
            return try JSONDecoder().decode(Value?.self, from: Data(json.utf8))
        } catch let error as DecodingError {
            throw PluginError("\(origin(path)): the setting \(error.place(below: path)) \(error.complaint).")
        }
    }
}

extension DecodingError {
    fileprivate func place(below path: String) -> String {
        let keys =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                context.codingPath
            case .keyNotFound(let key, let context):
                context.codingPath + [key]
            @unknown default:
                [any CodingKey]()
            }
        return keys.reduce(path) { path, key in
            key.intValue.map { "\(path)[\($0)]" } ?? "\(path).\(key.stringValue)"
        }
    }

    fileprivate var complaint: String {
        switch self {
        case .typeMismatch(let type, _): "should be of the type \(type)"
        case .valueNotFound, .keyNotFound: "is missing"
        case .dataCorrupted(let context): "cannot be read: \(context.debugDescription)"
        @unknown default: "cannot be read"
        }
    }
}
