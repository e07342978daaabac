// SPDX-License-Identifier: Apache-2.0
// Why the broker does not start: sentences for the operator, one a line.

struct StartError: Error {
    let lines: [String]

    init(_ lines: [String]) { self.lines = lines }

    init(_ line: String) { lines = [line] }
}
