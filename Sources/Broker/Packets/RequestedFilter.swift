// SPDX-License-Identifier: Apache-2.0
// A filter as a client writes it, with what its prefix asks for: `$share/GROUP/FILTER` of MQTT 5, and EMQX's
// `$queue/FILTER` and `$exclusive/FILTER`.

import MQTT

struct RequestedFilter {
    enum Kind {
        case plain
        case shared
        /// Shared by all who write it so: the group `$queue`.
        case queue
        case exclusive
    }

    let kind: Kind
    /// Without the prefix.
    let filter: ByteView
    /// Empty = not shared.
    let group: ByteView
    /// What follows the prefix is not what it should be.
    let isMalformed: Bool

    /// What follows the prefix begins with one, too. It should mean the same as without the first [MQTT-4.8.2-2], where a
    /// prefix is no part of the filter: such a one matches nothing that anybody could want.
    var isNested: Bool { kind != .plain && RequestedFilter(filter).kind != .plain }

    /// `text` is a valid filter, its prefix aside.
    init(_ text: ByteView) {
        if SharedFilter.isShared(text) {
            kind = .shared
            let shared = SharedFilter.parse(text)
            filter = shared?.filter ?? text
            group = shared?.group ?? .empty
            isMalformed = shared == nil
        } else if text.hasPrefix("$queue/") {
            kind = .queue
            filter = text.dropFirst(7)
            group = text.slice(0, 6)
            isMalformed = !TopicFilter.validate(filter)
        } else if text.hasPrefix("$exclusive/") {
            kind = .exclusive
            filter = text.dropFirst(11)
            group = .empty
            isMalformed = !TopicFilter.validate(filter)
        } else {
            kind = .plain
            filter = text
            group = .empty
            isMalformed = false
        }
    }
}
