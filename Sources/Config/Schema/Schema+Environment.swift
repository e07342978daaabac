// SPDX-License-Identifier: Apache-2.0
// Finding the key that an environment variable means. Variable names have lost their case, so names are compared
// without it: with the declared ones, and with those the user chose in the files.

extension Schema {
    enum EnvironmentMatch: Equatable {
        case path([String])
        case unknown(String)
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
        return path.isEmpty ? .unknown("its name has an empty part") : .path(path)
    }
}

extension FieldNode {
    fileprivate var lastObject: ObjectNode? {
        guard case .object(let object)? = assignments.last else { return nil }
        return object
    }
}
