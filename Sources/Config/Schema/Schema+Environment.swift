// SPDX-License-Identifier: Apache-2.0
// Finding the key that an environment variable means. Variable names have lost their case, so names are compared
// without it: with the declared ones, and with those the user chose in the files.

extension Schema {
    enum EnvironmentMatch: Equatable {
        case path([String], takes: TextForm)
        case unknown(String)
    }

    /// Which values of a variable are taken as they are if they are not HOCON.
    enum TextForm: Equatable {
        /// None: objects and arrays only.
        case never
        /// All but what begins like an object or an array.
        case ofScalars
        case always
    }

    func match(_ words: [String], existing root: ObjectNode) -> EnvironmentMatch {
        var id: Int? = 0
        var object: ObjectNode? = root
        var path: [String] = []
        for word in words {
            if word.isEmpty { return .unknown("its name has an empty part") }
            var key = word
            if let current = id {
                let node = nodes[current]
                if let name = node.names.first(where: { $0.lowercased() == word }) {
                    key = name
                    id = node.fields[name]
                } else if let wildcard = node.wildcard {
                    key = object?.keys.first { $0.lowercased() == word } ?? word
                    id = wildcard
                } else if let element = node.element, ArrayIndex.parse(word) != nil {
                    id = element
                } else if node.type?.members.contains(.any) == true {
                    key = object?.keys.first { $0.lowercased() == word } ?? word
                    id = nil
                } else if path.isEmpty {
                    return .unknown("there is no key \(JSONText.quoted(word))")
                } else {
                    return .unknown("there is no key \(JSONText.quoted(word)) in \(PathExpression.text(path))")
                }
            }
            object = object?[key]?.lastObject
            path.append(key)
        }
        return path.isEmpty ? .unknown("its name has an empty part") : .path(path, takes: textForm(id))
    }

    /// `id` is nil for what is below a key of any shape.
    private func textForm(_ id: Int?) -> TextForm {
        guard let id else { return .ofScalars }
        let node = nodes[id]
        guard let type = node.type else { return .never }
        if type.members.contains(.any) { return .ofScalars }
        let isScalar = type.members.contains { !$0.admitsObject && $0.element == nil }
        if !isScalar { return .never }
        return node.allowsObject || node.allowsArray ? .ofScalars : .always
    }
}

extension FieldNode {
    fileprivate var lastObject: ObjectNode? {
        guard case .object(let object)? = assignments.last else { return nil }
        return object
    }
}
