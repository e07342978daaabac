// SPDX-License-Identifier: Apache-2.0
// Tries a plugin out in a child process: this same program, run as `isthmus plugin-probe`. A constructor that crashes
// or hangs then costs a refusal and not the broker. It is a guard against accidents, not a border for hostile code.

import Glibc

struct PluginProbe {
    var executable = "/proc/self/exe"
    var timeoutMilliseconds = 5000
    /// Stands above the broker's own. A crash in the child is an answer and needs no backtrace, which takes seconds.
    var environment = ["SWIFT_BACKTRACE": "enable=no"]

    /// Starts the trial; others may be started before its answer is asked for. `opening`: also open the plugin with a
    /// host that offers nothing, and start it without a configuration.
    func start(_ copy: borrowing SealedCopy, opening: Bool) throws(PluginProblem) -> ProbedProcess {
        do throws(ProbeProblem) {
            let facts = try ProbePipe()
            let words = try ProbePipe()
            let child = try spawn(copy.descriptor, facts, words, opening: opening)
            return ProbedProcess(child, facts, words, timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            throw .probe(error)
        }
    }

    private func spawn(
        _ plugin: Int32,
        _ facts: borrowing ProbePipe,
        _ words: borrowing ProbePipe,
        opening: Bool
    ) throws(ProbeProblem) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, facts.writeEnd, 1)
        posix_spawn_file_actions_adddup2(&actions, words.writeEnd, 2)
        posix_spawn_file_actions_adddup2(&actions, plugin, 3)

        // The broker blocks and ignores signals of its own choice; the child starts with none of that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words = ["isthmus", "plugin-probe", "--fd", "3"] + (opening ? ["--open"] : [])
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var environment = variables().map { strdup($0) } + [nil]
        defer { for variable in environment { free(variable) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, executable, &actions, &attributes, &arguments, &environment)
        if result != 0 { throw .cannotStart("\(executable): \(systemError(result))") }
        return child
    }

    /// The child's environment.
    private func variables() -> [String] {
        var variables = environment.map { "\($0.key)=\($0.value)" }
        var position = environ
        while let variable = position.pointee {
            let text = String(cString: variable)
            let name = String(text.prefix { $0 != "=" })
            if environment[name] == nil { variables.append(text) }
            position += 1
        }
        return variables
    }
}
