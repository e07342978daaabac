// SPDX-License-Identifier: Apache-2.0
// What the trial process found out about a plugin, and its form on the pipe: one `key=value` line a fact, written as
// soon as it is known, so that the last line tells how far a plugin came that crashed. Pure text: no process here.

/// How far the trial came. The plugin's own code runs in every stage.
enum ProbeStage: String {
    case load
    case abi
    case open
    case start

    var text: String {
        switch self {
        case .load: "while it was loaded"
        case .abi: "in \(PluginExport.abi)"
        case .open: "in \(PluginExport.open)"
        case .start: "in start"
        }
    }
}

struct ProbeReport: Equatable {
    enum Ending: Equatable {
        case finished
        case signal(Int32)
        case status(Int32)
        case timeout(milliseconds: Int)
    }

    var ending = Ending.finished
    var stage = ProbeStage.load
    /// The dynamic linker's words.
    var linkError: String?
    var abi: UInt32?
    /// The predicate of a refusal after loading.
    var fault: String?
    var name: String?
    var version: String?
    var guards = false
    var roots: [String] = []
    /// What `start` answered without a configuration; nil if it was not called or did not return.
    var startResult: Int32?
    var hooks: [String] = []
    var services: [String] = []
    /// The first line that the plugin wrote to its standard error or output.
    var said: String?

    /// Reads the lines of `text`; unknown keys and an incomplete last line are skipped.
    mutating func read(_ text: String) {
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            note(String(line[..<equals]), Self.unescaped(line[line.index(after: equals)...]))
        }
    }

    private mutating func note(_ key: String, _ value: String) {
        switch key {
        case Key.stage: stage = ProbeStage(rawValue: value) ?? stage
        case Key.linkError: linkError = value
        case Key.abi: abi = UInt32(value)
        case Key.fault: fault = value
        case Key.name: name = value
        case Key.version: version = value
        case Key.guards: guards = value == "1"
        case Key.root: roots.append(value)
        case Key.started: startResult = Int32(value)
        case Key.hook: hooks.append(value)
        case Key.service: services.append(value)
        default: break
        }
    }

    enum Key {
        static let stage = "stage"
        static let linkError = "link-error"
        static let abi = "abi"
        static let fault = "fault"
        static let name = "name"
        static let version = "version"
        static let guards = "guards"
        static let root = "root"
        static let started = "started"
        static let hook = "hook"
        static let service = "service"
        static let end = "end"
    }

    static func line(_ key: String, _ value: String) -> String {
        var line = key + "="
        for character in value.unicodeScalars {
            switch character {
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            default: line.unicodeScalars.append(character)
            }
        }
        return line + "\n"
    }

    static let endLine = line(Key.end, "1")

    private static func unescaped(_ value: Substring) -> String {
        var result = String.UnicodeScalarView()
        var isEscape = false
        for character in value.unicodeScalars {
            if isEscape {
                result.append(character == "n" ? "\n" : character)
                isEscape = false
            } else if character == "\\" {
                isEscape = true
            } else {
                result.append(character)
            }
        }
        return String(result)
    }
}

extension ProbeReport {
    /// Why the plugin must not be loaded, nil if nothing speaks against it; ``linkError`` is for others to read, who
    /// know the file. A failure of `start` is not among the reasons: the trial has no configuration to start with.
    var problem: PluginProblem? {
        if let fault { return .reported(fault) }
        if let abi {
            do throws(PluginProblem) { try PluginABI.check(abi) } catch { return error }
        }
        if ending == .finished || stage == .start { return nil }
        return .probe(.ended(ending, stage, said: said))
    }
}
