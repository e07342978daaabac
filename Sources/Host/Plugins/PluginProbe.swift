// SPDX-License-Identifier: Apache-2.0
// Tries a plugin out in a child process: this same program, run as `isthmus plugin-probe`. A constructor that crashes
// or hangs then costs a refusal and not the broker. It is a guard against accidents, not a border for hostile code.

import CLinux
import Glibc

struct PluginProbe {
    var executable = "/proc/self/exe"
    var timeoutMilliseconds = 5000

    /// `opening`: also open the plugin with a host that offers nothing, and start it without a configuration.
    func run(_ copy: borrowing SealedCopy, opening: Bool) throws(PluginProblem) -> ProbeReport {
        do throws(ProbeProblem) {
            let facts = try Pipe()
            let words = try Pipe()
            let child = try spawn(copy.descriptor, facts, words, opening: opening)
            return watch(child, facts, words)
        } catch {
            throw .probe(error)
        }
    }

    // MARK: - Starting

    private func spawn(
        _ plugin: Int32,
        _ facts: borrowing Pipe,
        _ words: borrowing Pipe,
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
        var environment = Self.environment().map { strdup($0) } + [nil]
        defer { for variable in environment { free(variable) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, executable, &actions, &attributes, &arguments, &environment)
        if result != 0 { throw .cannotStart("\(executable): \(systemError(result))") }
        return child
    }

    /// The broker's own, but a crash in the child is an answer and needs no backtrace, which takes seconds.
    private static func environment() -> [String] {
        let backtrace = "SWIFT_BACKTRACE="
        var variables: [String] = []
        var position = environ
        while let variable = position.pointee {
            let text = String(cString: variable)
            if !text.hasPrefix(backtrace) { variables.append(text) }
            position += 1
        }
        return variables + [backtrace + "enable=no"]
    }

    // MARK: - Watching

    private func watch(_ child: pid_t, _ facts: consuming Pipe, _ words: consuming Pipe) -> ProbeReport {
        facts.closeWriteEnd()
        words.closeWriteEnd()
        let deadline = monotonicMilliseconds() + timeoutMilliseconds
        var isDone = false
        while !isDone {
            let left = deadline - monotonicMilliseconds()
            if left <= 0 { break }
            var ends = [
                pollfd(fd: facts.readEnd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: words.isOpen ? words.readEnd : -1, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&ends, 2, Int32(clamping: left)) < 0 && errno != EINTR { break }
            if ends[1].revents != 0 { words.drain() }
            if ends[0].revents != 0 { facts.drain() }
            isDone = !facts.isOpen || facts.hasEnd
        }
        var report = ProbeReport()
        report.read(facts.text)
        report.ending = ending(of: child, finished: facts.hasEnd, deadline: deadline)
        words.drain()
        report.said = words.firstLine
        return report
    }

    /// Ends the child if it has not ended itself, and always collects it.
    private func ending(of child: pid_t, finished: Bool, deadline: Int) -> ProbeReport.Ending {
        var status: Int32 = 0
        if !finished {
            while true {
                let collected = waitpid(child, &status, WNOHANG)
                if collected == child { return Self.ending(status) }
                if collected < 0 && errno != EINTR { return .status(0) }
                if monotonicMilliseconds() >= deadline { break }
                poll(nil, 0, 1)
            }
        }
        kill(child, SIGKILL)
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return finished ? .finished : .timeout(milliseconds: timeoutMilliseconds)
    }

    private static func ending(_ status: Int32) -> ProbeReport.Ending {
        let signal = status & 0x7F
        return signal == 0 ? .status(status >> 8 & 0xFF) : .signal(signal)
    }
}

/// One direction from the child to this process.
private struct Pipe: ~Copyable {
    let readEnd: Int32
    let writeEnd: Int32
    private var isWriteEndOpen = true
    private(set) var isOpen = true
    private var bytes: [UInt8] = []

    /// More than any honest report.
    private static let limit = 1 << 20

    init() throws(ProbeProblem) {
        var ends: [Int32] = [-1, -1]
        if pipe2(&ends, O_CLOEXEC) != 0 { throw .cannotStart("pipe: \(systemError(errno))") }
        readEnd = ends[0]
        writeEnd = ends[1]
        _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(readEnd)
        if isWriteEndOpen { close(writeEnd) }
    }

    mutating func closeWriteEnd() {
        close(writeEnd)
        isWriteEndOpen = false
    }

    /// Takes what is there; what is over the limit is thrown away, so that the child is not held up.
    mutating func drain() {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while isOpen {
            let got = read(readEnd, &chunk, chunk.count)
            if got < 0 && errno == EINTR { continue }
            if got < 0 && errno == EAGAIN { return }
            if got <= 0 {
                isOpen = false
            } else if bytes.count < Self.limit {
                bytes += chunk.prefix(got)
            }
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var hasEnd: Bool {
        let end = Array(ProbeReport.endLine.utf8)
        return bytes.suffix(end.count).elementsEqual(end)
    }

    /// The first line with something in it, at most 200 bytes and free of control characters.
    var firstLine: String? {
        guard let line = bytes.split(separator: 10).first(where: { $0.contains { $0 > 32 } }) else { return nil }
        let shown = line.prefix(200).filter { $0 >= 32 && $0 != 127 }
        return String(decoding: shown, as: UTF8.self)
    }
}
