// SPDX-License-Identifier: Apache-2.0
// A trial process on its way: what it writes is read until it has said all, has ended, or has had its time. One whose
// report nobody asks for is ended.

import Glibc

final class ProbedProcess {
    private let child: pid_t
    private let timeoutMilliseconds: Int
    private var facts: ProbePipe
    private var words: ProbePipe
    private var isCollected = false

    init(_ child: pid_t, _ facts: consuming ProbePipe, _ words: consuming ProbePipe, timeoutMilliseconds: Int) {
        self.child = child
        self.timeoutMilliseconds = timeoutMilliseconds
        self.facts = facts
        self.words = words
        self.facts.closeWriteEnd()
        self.words.closeWriteEnd()
    }

    deinit {
        if !isCollected { end() }
    }

    /// Waits for the end of the trial, which has its time from now on. Asked for once.
    func report() -> ProbeReport {
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
        report.ending = ending(finished: facts.hasEnd, deadline: deadline)
        words.drain()
        report.said = words.firstLine
        return report
    }

    /// Ends the child if it has not ended itself, and always collects it.
    private func ending(finished: Bool, deadline: Int) -> ProbeReport.Ending {
        isCollected = true
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
        end()
        return finished ? .finished : .timeout(milliseconds: timeoutMilliseconds)
    }

    private func end() {
        var status: Int32 = 0
        kill(child, SIGKILL)
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    }

    private static func ending(_ status: Int32) -> ProbeReport.Ending {
        let signal = status & 0x7F
        return signal == 0 ? .status(status >> 8 & 0xFF) : .signal(signal)
    }
}
