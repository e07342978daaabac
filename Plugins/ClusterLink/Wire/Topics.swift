// SPDX-License-Identifier: Apache-2.0
// The topics of the link protocol. The last level names the cluster that publishes, never the one that receives.

package enum LinkTopic: Equatable {
    /// Control maps of the cluster of this name.
    case route(Bytes)
    /// Messages forwarded by the cluster of this name.
    case message(Bytes)

    static let reserved: Bytes = "$LINK/"
    static let routePrefix: Bytes = "$LINK/cluster/route/"
    static let messagePrefix: Bytes = "$LINK/cluster/msg/"
    static let responsePrefix: Bytes = "$LINK/cluster/resp/"

    /// nil for any other topic.
    @inline(__always)
    package init?(_ topic: Bytes) {
        if topic.hasPrefix(Self.messagePrefix) {
            self = .message(topic.dropFirst(Self.messagePrefix.count))
        } else if topic.hasPrefix(Self.routePrefix) {
            self = .route(topic.dropFirst(Self.routePrefix.count))
        } else {
            return nil
        }
    }

    static func route(from cluster: String) -> String { routePrefix.string + cluster }
    static func message(from cluster: String) -> String { messagePrefix.string + cluster }
    static func response(to cluster: String, actor: String) -> String { "\(responsePrefix.string)\(cluster)/\(actor)" }
}
