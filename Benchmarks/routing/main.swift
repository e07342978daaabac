// SPDX-License-Identifier: Apache-2.0
// Subscriptions by the million, inside one process: what one of them costs in memory, to add, to remove, and to be found.
// Prints a JSON array. Every measurement has a process of its own, since memory that an earlier one gave back would
// hide what the next one takes.

import Glibc

func fail(_ sentence: String) -> Never {
    let text = Array("routing-benchmark: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, text, text.count)
    exit(1)
}

func measureApart(_ arguments: [String]) {
    var child: pid_t = 0
    var words = (["routing-benchmark"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    guard posix_spawn(&child, "/proc/self/exe", nil, nil, &words, environ) == 0 else {
        fail("cannot start a process for \(arguments.joined(separator: " ")).")
    }
    var status: Int32 = 0
    guard waitpid(child, &status, 0) == child, status == 0 else {
        fail("the process for \(arguments.joined(separator: " ")) ended with status \(status).")
    }
}

let arguments = CommandLine.arguments.dropFirst()
switch arguments.count {
case 0, 1:
    guard let count = Int(arguments.first ?? "1000000"), count >= 1000, count <= 10_000_000 else {
        fail("Usage: routing-benchmark [SUBSCRIPTIONS]   1,000 to 10,000,000, a million if not said.")
    }
    print("[")
    var separator = ""
    for part in ["index", "broker"] {
        for shape in Shape.allCases {
            print(separator, terminator: "")
            fflush(nil)
            measureApart([part, shape.rawValue, String(count)])
            separator = ",\n"
        }
    }
    print("\n]")
case 3:
    guard let shape = Shape(rawValue: arguments[2]), let count = Int(arguments[3]) else {
        fail("there is no measurement \"\(arguments.joined(separator: " "))\".")
    }
    print(arguments[1] == "index" ? measureIndex(shape, count) : measureBroker(shape, count), terminator: "")
default: fail("Usage: routing-benchmark [SUBSCRIPTIONS]")
}
