// SPDX-License-Identifier: Apache-2.0
// One message to one session: now, later or not at all.

import MQTT
import PluginAPI

extension Broker {
    /// Delivers, queues or drops, as session and subscription say. In a fan-out (0 = none) the encoded packet is
    /// shared. The message of a shared group (-1 = none) has one receiver, which takes it even while it moves.
    @inline(__always)
    func deliver(
        _ publication: inout Publication,
        to subscriber: Subscriber,
        fanOut: UInt32,
        group: Int32 = -1,
        mayGrow: Bool = false
    ) {
        let session = sessions[subscriber.target]
        if group < 0, session.pointee.deafTo != 0, isDeaf(session, to: publication) { return }
        let options = subscriber.options
        if options.noLocal, isPublisher(session, of: publication) { return }  // [MQTT-3.8.3-3]
        if !hooks.deliver.isEmpty, !mayDeliver(&publication, to: session) { return }
        let qos = deliveredQoS(options.qos, publication.qos)
        let retain = publication.retain && options.retainAsPublished  // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        let route = DeliveryRoute(retain: retain, group: group)
        if qos == 0 {
            guard let connection = session.pointee.connection else {
                if settings.queuesQoS0 { enqueue(&publication, session, options.withQoS(0), route, mayGrow: mayGrow) }
                return
            }
            // [MQTT-3.3.4-10] [MQTT-4.9.0-3]
            deliverQoS0(&publication, connection, options, retain: retain, fanOut: fanOut)
        } else {
            deliverAcknowledged(&publication, session, options.withQoS(qos), route, fanOut: fanOut, mayGrow: mayGrow)
        }
    }

    /// [MQTT-3.8.4-8] [MQTT-4.8.2-3]
    @inline(__always)
    func deliveredQoS(_ granted: UInt8, _ published: UInt8) -> UInt8 {
        settings.upgradesQoS ? max(granted, published) : min(granted, published)
    }

    func isPublisher(_ session: SessionPointer, of publication: borrowing Publication) -> Bool {
        if let publisher = publication.connection { return publisher == session.pointee.connection }
        // The client's will, or what it published on another loop before it came here.
        switch publication.origin {
        case .client, .will: break
        case .plugin, .link, .system: return false
        }
        return publication.publisher.clientIdentifier == session.pointee.clientIdentifier.view
    }

    @inline(__always)
    private func deliverQoS0(
        _ publication: inout Publication,
        _ connection: ConnectionPointer,
        _ options: DeliveryOptions,
        retain: Bool,
        fanOut: UInt32
    ) {
        if dropsQoS0(connection) {
            drop(&publication, connection, .quotaExceeded)
            return
        }
        touch(connection)
        write(&publication, connection, options, 0, retain: retain, fanOut: fanOut)
    }

    @inline(__always)
    private func deliverAcknowledged(
        _ publication: inout Publication,
        _ session: SessionPointer,
        _ options: DeliveryOptions,
        _ route: DeliveryRoute,
        fanOut: UInt32,
        mayGrow: Bool
    ) {
        guard let connection = session.pointee.connection, session.pointee.queue.isEmpty,
            session.pointee.inflight.count < session.pointee.inflightLimit  // [MQTT-4.9.0-2]
        else {
            enqueue(&publication, session, options, route, mayGrow: mayGrow)
            return
        }
        let identifier = session.pointee.inflight.add(
            isNeededLater(session, route) ? publication.kept(at: wallNow).retained() : nil,
            options,
            route,
            state: options.qos == 1 ? .awaitingPUBACK : .awaitingPUBREC
        )
        touch(connection)
        if !write(&publication, connection, options, identifier, retain: route.retain, fanOut: fanOut) {
            // Too large for this receiver: as if it had been delivered. [MQTT-3.1.2-25]
            if let slot = session.pointee.inflight.find(identifier) { session.pointee.inflight.finish(slot) }
        }
    }

    /// Whether anybody can ask for a message once it was written: not if its session ends with the connection, since
    /// nothing is sent again on the same one [MQTT-4.4.0-1], unless a shared group or a plugin waits for what becomes of it.
    @inline(__always)
    func isNeededLater(_ session: SessionPointer, _ route: DeliveryRoute) -> Bool {
        session.pointee.expiryInterval != 0 || !route.isPlain || !hooks.acked.isEmpty
    }

    // MARK: Loss

    @inline(never)
    func drop(_ publication: inout Publication, _ connection: ConnectionPointer, _ reason: ReasonCode) {
        counters.publishDropped &+= 1
        if !hooks.dropped.isEmpty { publicationDropped(&publication, connection, reason) }
    }
}

extension DeliveryOptions {
    @inline(__always)
    func withQoS(_ qos: UInt8) -> DeliveryOptions { DeliveryOptions(bits: bits & ~3 | UInt32(qos)) }
}
