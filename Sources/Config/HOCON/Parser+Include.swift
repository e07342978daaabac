// SPDX-License-Identifier: Apache-2.0
// `include "file"` and `include required("file")` in place of a field. The file's fields count as written here; its
// name is relative to the including file.

extension Parser {
    mutating func include(into object: ObjectNode) throws(ConfigError) {
        let origin = current.origin
        try advance()
        try skipNewlines()
        switch current.kind {
        case .quoted(let name):
            try advance()
            try include(name, required: false, at: origin, into: object)
        case .unquoted("required("):
            try advance()
            guard case .quoted(let name) = current.kind else { throw unexpected("a file name in double quotes") }
            try advance()
            guard current.kind == .unquoted(")") else { throw unexpected("\")\" after the file name") }
            try advance()
            try include(name, required: true, at: origin, into: object)
        case .unquoted(let word) where word.hasSuffix("("):
            throw ConfigError(
                current.origin,
                "include \(word)…) is not supported; write include \"file\" or include required(\"file\")"
            )
        case .unquoted(let name):
            // As EMQX takes it.
            try advance()
            try include(name, required: false, at: origin, into: object)
        default:
            throw ConfigError(
                origin,
                "\"include\" must be followed by \"file\" or required(\"file\"); a key of that name needs double quotes"
            )
        }
    }

    private mutating func include(
        _ name: String,
        required: Bool,
        at origin: Origin,
        into object: ObjectNode
    ) throws(ConfigError) {
        if name.isEmpty || name.utf8.contains(0) {
            throw ConfigError(origin, "the name of the file to include is empty or holds a NUL character")
        }
        let file = FileReader.path(name, besides: origin.file)
        let content = try loader.object(in: file, includedAt: origin, prefix: path ?? [], depth: nesting)
        if let content {
            object.merge(content)
        } else if required {
            throw ConfigError(
                origin,
                "the file \(JSONText.quoted(file)) does not exist; create it or remove the include"
            )
        } else {
            loader.warn(ConfigError(origin, "the file \(JSONText.quoted(file)) does not exist and was not included"))
        }
    }
}
