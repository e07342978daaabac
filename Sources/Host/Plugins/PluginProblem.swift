// SPDX-License-Identifier: Apache-2.0
// Every reason a plugin is refused for, and the one sentence the operator gets: which plugin, which file, what is
// wrong with it and how to mend it. Cases carry facts, not text, except where the text comes from the dynamic linker
// or from the plugin itself.

import PluginAPI

enum PluginProblem: Error, Equatable {
    case badName
    case notFound(directories: [String], suggestion: String?, available: [String])
    case cannotOpen(reason: String)
    case notRegularFile(kind: String)
    case foreignOwner(uid: UInt32)
    case worldWritable
    case tooLarge(bytes: Int, limit: Int)
    case cannotCopy(step: String, reason: String)
    case elf(ELFProblem)
    case link(LinkProblem)
    case abi(plugin: UInt32)
    case openFailed(code: Int32)
    case badTable(String)
    case otherName(String)
    case probe(ProbeProblem)
    /// What the probe found out about a table: its own wording, as the table itself stayed in the child process.
    case reported(String)

    /// The predicate of "plugin NAME: FILE ...".
    var predicate: String {
        switch self {
        case .badName:
            "is not looked for: a plugin's name has letters, digits, '-' and '_' only; name the file with `path`"
        case .notFound(let directories, let suggestion, let available):
            Self.notFound(directories, suggestion, available)
        case .cannotOpen(let reason):
            "cannot be read: \(reason)"
        case .notRegularFile(let kind):
            "is \(kind), not a regular file"
        case .foreignOwner(let uid):
            "belongs to user \(uid), who could change what the broker runs; make root or the broker's user its owner"
        case .worldWritable:
            "may be changed by every user of this machine; take that right away with `chmod o-w`"
        case .tooLarge(let bytes, let limit):
            "has \(bytes) bytes, more than the \(limit) that a plugin may have"
        case .cannotCopy(let step, let reason):
            "cannot be copied into sealed memory (\(step): \(reason))"
        case .elf(let problem):
            problem.sentence
        case .link(let problem):
            problem.sentence
        case .abi(let plugin):
            Self.abi(plugin)
        case .openFailed(let code):
            "refused to open: \(PluginExport.open) answered \(HostCode.name(code)); its log lines say why"
        case .badTable(let what):
            "describes itself wrongly: \(what); see isth_plugin in isthmus_plugin.h"
        case .otherName(let name):
            "calls itself \(name); name that plugin in the config, or give this file's `path`"
        case .probe(let problem):
            problem.sentence
        case .reported(let predicate):
            predicate
        }
    }

    private static func notFound(_ directories: [String], _ suggestion: String?, _ available: [String]) -> String {
        let found =
            directories.isEmpty ? "does not exist" : "was not found in " + directories.joined(separator: " or ")
        if let suggestion { return found + "; did you mean \(suggestion)?" }
        if directories.isEmpty { return found }
        if available.isEmpty { return found + ", where there are no plugins at all; set --plugin-dir" }
        return found + "; there are " + available.prefix(8).joined(separator: ", ")
    }

    private static func abi(_ plugin: UInt32) -> String {
        let both =
            "was compiled for plugin ABI \(PluginABI.text(plugin)), this host has \(PluginABI.text(PluginABI.host))"
        if PluginABI.major(plugin) == PluginABI.major(PluginABI.host) {
            return both + "; rebuild it with this host's isthmus_plugin.h, or update the host"
        }
        return both + "; rebuild it with this host's isthmus_plugin.h"
    }
}

/// A plugin that is not loaded.
struct PluginRefusal: Error, Equatable, CustomStringConvertible {
    let name: String
    /// The path as it was looked for.
    let file: String
    let problem: PluginProblem
    /// Where the config names the plugin, if that is the place to mend.
    var origin: String?

    var sentence: String {
        "plugin \(name): \(file) \(problem.predicate)" + (origin.map { " (named at \($0))" } ?? "")
    }

    var description: String { sentence }
}

/// The names of the codes that plugin functions answer.
enum HostCode {
    static func name(_ code: Int32) -> String {
        switch Int(code) {
        case ISTH_OK: "ISTH_OK"
        case ISTH_ERROR: "ISTH_ERROR"
        case ISTH_E_GONE: "ISTH_E_GONE"
        case ISTH_E_ARG: "ISTH_E_ARG"
        case ISTH_E_LIMIT: "ISTH_E_LIMIT"
        case ISTH_E_UNSUPPORTED: "ISTH_E_UNSUPPORTED"
        case ISTH_E_STATE: "ISTH_E_STATE"
        case ISTH_E_NOT_FOUND: "ISTH_E_NOT_FOUND"
        default: "\(code)"
        }
    }
}
