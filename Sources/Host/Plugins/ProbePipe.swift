// SPDX-License-Identifier: Apache-2.0
// One direction from a trial process to this one, and what has come through it so far.

import CLinux
import Glibc

struct ProbePipe: ~Copyable {
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
