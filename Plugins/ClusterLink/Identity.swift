// SPDX-License-Identifier: Apache-2.0
// Who we are towards peers: cluster and node name, what is derived from them, and the incarnation of this start.

import Glibc

struct Identity: Sendable {
    let clusterName: String
    let nodeName: String
    /// The first eight hex digits of the SHA-1 of the node name, as every client identifier of a link carries.
    let nodeHash: String
    /// 48 bits for the identifiers of forwarded messages.
    let nodeBits: UInt64
    let incarnations: Incarnations
    /// The same for all links of this start.
    let incarnation: UInt64

    init(clusterName: String, nodeName: String, incarnations: Incarnations) {
        self.clusterName = clusterName
        self.nodeName = nodeName
        let digest = SHA1.digest(Array(nodeName.utf8))
        nodeHash = digest.prefix(4).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        nodeBits = digest.prefix(6).reduce(0) { $0 << 8 | UInt64($1) }
        self.incarnations = incarnations
        incarnation = incarnations.next(after: 0)
    }

    func clientBase(_ link: CheckedLink) -> String { link.settings.clientid ?? clusterName }
}

/// Numbers that rise with each start of the broker even if the clock is set back: a peer refuses a lower one until it
/// has forgotten us.
final class Incarnations: Sendable {
    private let path: String?
    /// Called when the last number cannot be stored; the link works all the same.
    private let complain: @Sendable (String) -> Void

    init(directory: String?, complain: @escaping @Sendable (String) -> Void) {
        path = directory.map { "\($0)/cluster-link-incarnation" }
        self.complain = complain
    }

    /// On loop 0, or before any loop runs.
    func next(after last: UInt64) -> UInt64 {
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        let milliseconds = UInt64(max(0, clock.tv_sec)) * 1000 + UInt64(clock.tv_nsec) / 1_000_000
        let number = max(milliseconds, max(last, stored()) + 1)
        store(number)
        return number
    }

    private func stored() -> UInt64 {
        guard let path, let file = fopen(path, "re") else { return 0 }
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 20)
        let count = fread(&text, 1, text.count, file)
        // Peers hold the number in 63 bits; a damaged file must not lock us out.
        return min(UInt64(String(decoding: text[..<count].prefix { $0 > 0x20 }, as: UTF8.self)) ?? 0, 1 << 62)
    }

    private func store(_ number: UInt64) {
        guard let path else { return }
        let temporary = path + ".new"
        let text = "\(number)\n"
        guard let file = fopen(temporary, "we") else {
            complain("\(temporary) cannot be written: \(String(cString: strerror(errno)))")
            return
        }
        let written = fputs(text, file) >= 0
        let closed = fclose(file) == 0
        if !written || !closed || rename(temporary, path) != 0 {
            complain("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
