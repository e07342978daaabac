// SPDX-License-Identifier: Apache-2.0
// A session that goes on keeps the subscriptions that its client may still make. Who made them was asked when they were
// made; since then the rules may have changed, or, with `mqtt.client_id_override = any`, somebody else has come.

import MQTT
import PluginAPI

extension Broker {
    /// The session's subscriptions that its client may not make any more. Plugins are asked as for a SUBSCRIBE, behind the
    /// mountpoint; an answer that comes later counts as a no, since nothing may be sent until it is there.
    func deniedSubscriptions(of session: SessionPointer, _ connection: ConnectionPointer) -> [NamedSubscription] {
        guard settings.overridesIdentity || session.pointee.rules != rules, !hooks.authorize.isEmpty,
            !connection.pointee.isSuperuser
        else { return [] }
        var denied: [NamedSubscription] = []
        for i in 0..<session.pointee.subscriptions.count {
            let subscription = named(session.pointee.subscriptions[i])
            charge(Work.filter)
            if !maySubscribe(connection, subscription) { denied.append(subscription) }
        }
        return denied
    }

    private func maySubscribe(_ connection: ConnectionPointer, _ subscription: NamedSubscription) -> Bool {
        subscription.filter.withUnsafeBytes { whole in
            let filter = connection.pointee.mountpoint?.pointee.unmounted(ByteView(whole)) ?? ByteView(whole)
            let (access, qos) = (ISTH_ACCESS_SUBSCRIBE, subscription.options.qos)
            return authorize(connection, .authorizeSubscribe, access, filter, qos, false, mayWait: false) == .allow
        }
    }

    /// Ends them, and what the session was to get by them alone: nothing of it is sent.
    func endSubscriptions(_ ended: [NamedSubscription], of session: SessionPointer) {
        let slot = session.pointee.slot
        for subscription in ended {
            subscription.filter.withUnsafeBytes { filter in
                subscription.group.withUnsafeBytes { _ = removeSubscription(slot, ByteView(filter), ByteView($0)) }
            }
            if subscription.group.isEmpty { subscription.filter.withUnsafeBytes { release(ByteView($0), slot) } }
        }
        let groups = ended.filter { !$0.group.isEmpty }.map { GroupName(filter: $0.filter, group: $0.group) }
        var dropped: [Message] = []
        session.pointee.queue.eachItem { item in
            if isStillWanted(item.message, item.route, session, without: groups) { return item }
            dropped.append(item.message)
            return nil
        }
        for flight in session.pointee.inflight.inOrder {
            guard let message = flight.pointee.message, flight.pointee.state != .awaitingPUBCOMP,
                !isStillWanted(message, flight.pointee.route, session, without: groups)
            else { continue }
            dropped.append(message.retained())
            session.pointee.inflight.giveUp(flight)
        }
        // Plugins are told of them here: they may send the session something.
        for message in dropped {
            messageDropped(message, nil, .notAuthorized)
            message.release()
        }
    }

    /// Whether a subscription is left by which the message comes.
    private func isStillWanted(
        _ message: Message,
        _ route: DeliveryRoute,
        _ session: SessionPointer,
        without groups: [GroupName]
    ) -> Bool {
        switch route.source {
        case .group: return true
        case .former(let number):
            let former = formerGroups[session.pointee.slot] ?? []
            return !former.indices.contains(Int(number)) || !groups.contains(former[Int(number)])
        case .plain: break
        }
        let mark = matches.count
        defer { matches.drop(to: mark) }
        match(message.topic)
        return (mark..<matches.count).contains {
            session.pointee.subscriptions.place(SessionSubscription.key(matches[$0], -1)).isThere
        }
    }

    /// Plugins and the log are told once the client is there.
    func tellOfEnded(_ ended: [NamedSubscription], _ connection: ConnectionPointer) {
        let example = ended[0].filter.withUnsafeBytes { ByteView($0).clipped }
        tell(
            .notice,
            .authorization,
            connection,
            """
            may not make \(ended.count) of its session's subscriptions any more, such as \(example); they have ended, and \
            what waited for them is dropped
            """
        )
        for subscription in ended {
            subscription.filter.withUnsafeBytes { filter in
                subscription.group.withUnsafeBytes { group in
                    notifyUnsubscribed(connection, ByteView(filter), ByteView(group))
                    if !settings.clientEvents.isEmpty {
                        announceUnsubscribed(connection, ByteView(filter), ByteView(group))
                    }
                }
            }
        }
    }
}
