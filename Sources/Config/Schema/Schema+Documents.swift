// SPDX-License-Identifier: Apache-2.0
// The documentation that comes out of the declarations: the reference tables and the commented example file.

extension Schema {
    /// One section for each root, in the order of declaration, one row for each key.
    public func markdown() -> String {
        var out = ""
        for root in nodes[0].names {
            out += "\(out.isEmpty ? "" : "\n")## \(root)\n\n"
            out += "| Key | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"
            var seen: Set<String> = []
            for setting in settings where setting.steps?.first == .key(root) && seen.insert(setting.path).inserted {
                let cells = ["`\(setting.path)`", "`\(setting.type)`", Self.shownDefault(setting), Self.notes(setting)]
                out += "| " + cells.map(Self.cell).joined(separator: " | ") + " |\n"
            }
        }
        return out
    }

    private static func shownDefault(_ setting: Setting) -> String {
        if let fallback = setting.fallback { return "`\(fallback)`" }
        return setting.type.isOptional || setting.type.admitsObject ? "none" : "required"
    }

    private static func notes(_ setting: Setting) -> String {
        var notes = [setting.doc]
        switch (setting.minimum, setting.maximum) {
        case (let low?, let high?): notes.append("From \(number(low)) to \(number(high)).")
        case (let low?, nil): notes.append("At least \(number(low)).")
        case (nil, let high?): notes.append("At most \(number(high)).")
        case (nil, nil): break
        }
        if setting.secret { notes.append("Secret: never logged or shown.") }
        if setting.reloadable { notes.append("Takes effect on reload.") }
        if !setting.since.isEmpty { notes.append("Since \(setting.since).") }
        return notes.filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func number(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? String(value) }

    private static func cell(_ text: String) -> String {
        text.split(separator: "\n").joined(separator: " ").split(separator: "|", omittingEmptySubsequences: false)
            .joined(separator: "\\|")
    }

    /// Every key with its default, commented out: removing one `# ` from lines of a block switches it on.
    public func commentedExample() -> String {
        var out = ""
        for name in nodes[0].names {
            guard let id = nodes[0].fields[name] else { continue }
            if !out.isEmpty { out += "\n" }
            example(id, name, indentation: "", into: &out)
        }
        return out
    }

    private func example(_ id: Int, _ name: String, indentation: String, into out: inout String) {
        let node = nodes[id]
        let setting = setting(id)
        if let setting, !setting.doc.isEmpty {
            for line in setting.doc.split(separator: "\n") { out += "## \(indentation)\(line)\n" }
        }
        if node.hasKeys {
            out += "# \(indentation)\(name) {\n"
            exampleKeys(node, indentation: indentation + "  ", into: &out)
            out += "# \(indentation)}\n"
        } else if let element = node.element, nodes[element].hasKeys {
            out += "# \(indentation)\(name) = [\n# \(indentation)  {\n"
            exampleKeys(nodes[element], indentation: indentation + "    ", into: &out)
            out += "# \(indentation)  }\n# \(indentation)]\n"
        } else if let setting {
            let fallback = setting.fallback ?? "# \(setting.type), \(setting.type.isOptional ? "optional" : "required")"
            let lines = fallback.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n# ")
            out += "# \(indentation)\(name) = \(lines)\n"
        }
    }

    private func exampleKeys(_ node: Node, indentation: String, into out: inout String) {
        for name in node.names {
            guard let id = node.fields[name] else { continue }
            example(id, name, indentation: indentation, into: &out)
        }
        if let wildcard = node.wildcard { example(wildcard, "NAME", indentation: indentation, into: &out) }
    }
}
