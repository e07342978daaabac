// SPDX-License-Identifier: Apache-2.0
// Receivers that are not clients: a plugin's external destination (a link, a bridge) or a plugin's own subscription.
// They live on one loop and stand in the index beside the sessions.

import MQTT
import PluginAPI

struct Destination {
    let identifier: UInt64
    /// A subscription counts as local interest; a destination does not, and local-only messages pass it by.
    let isSubscription: Bool
    let deliver: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<isth_msg>) -> Void
    let state: UnsafeMutableRawPointer?
    var filters: Set<[UInt8]> = []
    /// The last publish whose overlapping filters were merged for it.
    var mergeStamp: UInt32 = 0
    /// It gets nothing any more; its place is kept until the turn ends.
    var isClosed = false
}

extension Broker {
    /// Hands the publication over, unless it came from there. Returns whether it did.
    @inline(never)
    func hand(_ publication: inout Publication, to index: Int32) -> Bool {
        let destination = destinations[index]
        if destination.pointee.isClosed { return false }
        if !destination.pointee.isSubscription {
            if publication.isLocalOnly || destination.pointee.identifier == publication.originIdentifier {
                return false
            }
        }
        let deliver = destination.pointee.deliver
        let state = destination.pointee.state
        withView(of: publication) { deliver(state, $0) }
        return true
    }

    /// A new destination of this loop; the answer is its index for the calls below.
    public func openDestination(
        identifier: UInt64,
        isSubscription: Bool,
        state: UnsafeMutableRawPointer?,
        deliver: @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<isth_msg>) -> Void
    ) -> Int32 {
        destinations.insert(
            Destination(identifier: identifier, isSubscription: isSubscription, deliver: deliver, state: state)
        )
    }

    /// Wants messages that match the valid `filter`; again is the same as once.
    public func addFilter(_ destination: Int32, _ filter: ByteView) {
        guard destinations[destination].pointee.filters.insert(Array(filter.buffer)).inserted else { return }
        addSubscriber(destination, filter)
    }

    public func removeFilter(_ destination: Int32, _ filter: ByteView) {
        guard destinations[destination].pointee.filters.remove(Array(filter.buffer)) != nil else { return }
        removeSubscriber(destination, filter)
    }

    public func closeDestination(_ destination: Int32) {
        for filter in destinations[destination].pointee.filters {
            filter.withUnsafeBytes { removeSubscriber(destination, ByteView($0)) }
        }
        destinations[destination].pointee.isClosed = true
        requests.append(.forgetDestination(destination))
    }
}
