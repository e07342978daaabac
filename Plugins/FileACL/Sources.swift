// SPDX-License-Identifier: Apache-2.0
// From `authorization.sources` to a set of rules. Every mistake of every file is logged before the start or the reload
// is refused, so that one look at the log is enough to mend them all.

import FileACLRules
import PluginKit

private struct Source: Decodable {
    let type: String
    let enable: Bool
    let path: String?
}

extension FileACL {
    func loadRules() throws -> RuleSet {
        let noMatch: Permission = try host.config(String.self, at: "authorization.no_match") == "allow" ? .allow : .deny
        let sources = try host.config([Source].self, at: "authorization.sources")
        var files: [ACLFile] = []
        var mistakes = 0
        for (index, source) in sources.enumerated() where source.enable {
            do {
                files.append(try load(source, "authorization.sources[\(index)]"))
            } catch let errors as ACLErrors {
                for error in errors.errors { host.log(.error, "\(error)") }
                mistakes += errors.errors.count
            }
        }
        guard mistakes == 0 else {
            throw PluginError(
                "The ACL files hold \(mistakes == 1 ? "a mistake" : "\(mistakes) mistakes"), logged above."
            )
        }
        if files.isEmpty { warnOfNoSource(noMatch) }
        let rules = RuleSet(files, noMatch: noMatch)
        host.log(.notice, "\(rules.count) ACL rules from \(files.map(\.name).joined(separator: ", ")) are in force.")
        return rules
    }

    private func load(_ source: Source, _ setting: String) throws -> ACLFile {
        guard source.type == "file" else {
            throw PluginError(
                "\(host.origin("\(setting).type")): \(setting) is of the type \(source.type), but this plugin reads "
                    + "files only: remove the source or set type = file."
            )
        }
        guard let path = source.path else {
            throw PluginError("\(host.origin(setting)): \(setting) has no path: name the file with the rules.")
        }
        do {
            return try ACLFile(name: resolvedPath(path), text: try readFile(path))
        } catch let error as PluginError {
            throw PluginError("\(host.origin("\(setting).path")): \(setting).path: \(error)")
        }
    }

    private func warnOfNoSource(_ noMatch: Permission) {
        let result = noMatch == .allow ? "everything but $LINK/ is allowed" : "every publish and subscribe is denied"
        host.log(
            .warning,
            "authorization.sources names no file, so \(result): add { type = file, path = \"acl.conf\" }."
        )
    }
}
