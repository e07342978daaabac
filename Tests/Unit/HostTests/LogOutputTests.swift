// SPDX-License-Identifier: Apache-2.0
// The log into a pipe whose reader sleeps.

import Glibc
import Testing

@testable import Host

@Suite struct LogOutputTests {
    /// Both ends of a pipe; reading does not wait.
    private func pipe() -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0)
        #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return (ends[0], ends[1])
    }

    private func drain(_ descriptor: Int32) -> [Substring] {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer.prefix(count)
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }

    @Test func nobodyWaitsForAReaderAndLinesThatAreMissingAreTold() {
        let (input, output) = pipe()
        defer {
            close(input)
            close(output)
        }
        let log = LogOutput(descriptor: output)
        let line = String(repeating: "x", count: 199) + "\n"
        for _ in 0..<1000 { log.write(line) }
        let first = drain(input)
        #expect(first.count > 100 && first.count < 1000)
        #expect(first.allSatisfy { $0.utf8.count == 199 })
        log.write("after\n")
        let missing = 1000 - first.count
        #expect(drain(input) == ["\(missing) lines of the log are missing here: nobody read them in time", "after"])
    }

    @Test func aLineLongerThanAPipeTakesAtOnceArrives() {
        let (input, output) = pipe()
        defer {
            close(input)
            close(output)
        }
        LogOutput(descriptor: output).write(String(repeating: "y", count: 20_000) + "\n")
        #expect(drain(input).map(\.utf8.count) == [20_000])
    }

    /// SIGPIPE is the program's affair; here the write fails.
    @Test func nobodyThereIsNoError() {
        signal(SIGPIPE, SIG_IGN)
        let (input, output) = pipe()
        close(input)
        LogOutput(descriptor: output).write("to nobody\n")
        close(output)
    }
}
