// SPDX-License-Identifier: Apache-2.0
// The CPU time of this thread and the resident memory of this process, and figures as JSON.

import Glibc

/// Nanoseconds of CPU time that `body` takes, for each of `count`.
func nanoseconds(each count: Int, _ body: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
    let start = now()
    body()
    return (now() - start) / Double(count)
}

func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { fail("/proc/self/statm cannot be read.") }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    fgets(&text, 128, file)
    let words = String(decoding: text.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { fail("/proc/self/statm has no resident size.") }
    return pages * sysconf(Int32(_SC_PAGESIZE))
}

func json(_ part: String, _ shape: Shape, _ count: Int, _ figures: KeyValuePairs<String, Double>) -> String {
    let list = figures.map { "\"\($0)\": \(($1 * 10).rounded() / 10)" }.joined(separator: ", ")
    return "{\"part\": \"\(part)\", \"shape\": \"\(shape.rawValue)\", \"subscriptions\": \(count), \(list)}"
}
