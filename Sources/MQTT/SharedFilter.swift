// SPDX-License-Identifier: Apache-2.0
// The filter of a shared subscription, `$share/GROUP/FILTER`. Who in the group gets a message is not decided here.

public struct SharedFilter: Sendable {
    public let group: ByteView
    public let filter: ByteView

    /// Whether `filter` asks for a shared subscription, well-formed or not.
    @inlinable
    public static func isShared(_ filter: ByteView) -> Bool { filter.hasPrefix("$share/") }

    /// The parts of a shared subscription's filter. `nil` if it is none, if the group is empty or holds a wildcard,
    /// or if what follows the group is no valid topic filter. [MQTT-4.8.2-1] [MQTT-4.8.2-2]
    public static func parse(_ filter: ByteView) -> SharedFilter? {
        guard isShared(filter) else { return nil }
        let rest = filter.dropFirst(7)
        guard let slash = rest.buffer.firstIndex(of: .slash), slash > 0 else { return nil }
        let group = rest.slice(0, slash)
        let inner = rest.dropFirst(slash + 1)
        guard !TopicFilter.isWildcard(group), UTF8Bytes.isWellFormed(group), TopicFilter.validate(inner) else {
            return nil
        }
        return SharedFilter(group: group, filter: inner)
    }
}
