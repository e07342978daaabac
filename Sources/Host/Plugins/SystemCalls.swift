// SPDX-License-Identifier: Apache-2.0
// Three calls of the C library in the form that loader and commands use them.

import Glibc

/// The system's words for an errno.
func systemError(_ code: Int32) -> String {
    String(cString: strerror(code))
}

func monotonicMilliseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// Writes all of `text`, or as much as the reader takes before it goes away.
func writeAll(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let put = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if put < 0 && errno == EINTR { continue }
        if put <= 0 { return }
        rest = rest.dropFirst(put)
    }
}
