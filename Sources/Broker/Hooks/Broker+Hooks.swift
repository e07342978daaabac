// SPDX-License-Identifier: Apache-2.0
// The hooks that see messages and changes of state.

import MQTT
import PluginAPI

extension Broker {
    enum PublishOutcome {
        case route
        /// Routed nowhere; the publisher gets this code.
        case answer(ReasonCode)
        case disconnect(ReasonCode)
    }

    // MARK: Publish

    /// Asks the publish chain; edits are put into the publication, which then keeps a message of its own.
    func runPublishHooks(_ publication: inout Publication, _ connection: ConnectionPointer?) -> PublishOutcome {
        for (i, link) in hooks.publish.enumerated() where hooks.wants(i, publication.topic) {
            var edit = Edit()
            let result = withUnsafeMutablePointer(to: &edit) { edit in
                withView(of: publication) { message in
                    guard let connection else {
                        return link.call { link.function(link.state, nil, message, OpaquePointer(edit)) }
                    }
                    return withView(of: connection, for: link) {
                        link.function(link.state, $0, message, OpaquePointer(edit))
                    }
                }
            }
            if edit.topic != nil || edit.payload != nil || edit.qos != nil || edit.retain != nil {
                guard apply(edit, &publication, connection) else { return .answer(.notAuthorized) }
            }
            switch result {
            case Int32(ISTH_ALLOW): return .route
            case Int32(ISTH_DENY), Int32(ISTH_CONSUMED): return .answer(edit.reason ?? .success)
            case Int32(ISTH_DISCONNECT): return .disconnect(edit.reason ?? .implementationSpecificError)
            default: continue
            }
        }
        return .route
    }

    /// Returns false if the client may not publish to the topic it was changed to.
    private func apply(_ edit: Edit, _ publication: inout Publication, _ connection: ConnectionPointer?) -> Bool {
        var edited = publication
        if let qos = edit.qos { edited.qos = qos }
        if let retain = edit.retain { edited.retain = retain }
        let message = (edit.topic ?? []).withUnsafeBytes { topic in
            (edit.payload ?? []).withUnsafeBytes { payload in
                if edit.topic != nil { edited.topic = ByteView(topic) }
                if edit.payload != nil { edited.payload = ByteView(payload) }
                return edited.copied(at: wallNow)
            }
        }
        publication.release()
        publication = Publication(message)
        publication.connection = connection
        message.release()
        guard edit.topic != nil, let connection else { return true }
        let access = ISTH_ACCESS_PUBLISH
        let verdict = authorize(
            connection,
            .authorizePublish,
            access,
            unmounted(publication.topic, for: connection),
            publication.qos,
            publication.retain,
            mayWait: false
        )
        return verdict == .allow
    }

    // MARK: Delivery

    @inline(never)
    func mayDeliver(_ publication: inout Publication, to session: SessionPointer) -> Bool {
        guard let connection = session.pointee.connection else { return true }
        for link in hooks.deliver {
            let result = withView(of: publication) { message in
                withView(of: connection, for: link) { link.function(link.state, $0, message) }
            }
            if result == ISTH_ALLOW { return true }
            if result == ISTH_DENY { return false }
        }
        return true
    }

    func messageAcked(_ message: Message, _ connection: ConnectionPointer, _ reason: ReasonCode) {
        var publication = Publication(message)
        defer { publication.release() }
        for link in hooks.acked {
            withView(of: publication) { message in
                withView(of: connection, for: link) { link.function(link.state, $0, message, reason.rawValue) }
            }
        }
    }

    func messageDropped(_ message: Message, _ connection: ConnectionPointer?, _ reason: ReasonCode) {
        counters.publishDropped &+= 1
        guard !hooks.dropped.isEmpty else { return }
        var publication = Publication(message)
        publicationDropped(&publication, connection, reason)
        publication.release()
    }

    @inline(never)
    func publicationDropped(_ publication: inout Publication, _ connection: ConnectionPointer?, _ reason: ReasonCode) {
        for link in hooks.dropped {
            withView(of: publication) { message in
                guard let connection else {
                    link.call { link.function(link.state, nil, message, reason.rawValue) }
                    return
                }
                withView(of: connection, for: link) { link.function(link.state, $0, message, reason.rawValue) }
            }
        }
    }

    // MARK: Connections

    /// The plugin that refuses the client.
    func runConnectHooks(_ connection: ConnectionPointer) -> String? {
        for link in hooks.connect {
            var edit = Edit()
            let result = withUnsafeMutablePointer(to: &edit) { edit in
                withView(of: connection, for: link) { link.function(link.state, $0, OpaquePointer(edit)) }
            }
            if result == ISTH_ALLOW { return nil }
            if result != ISTH_NEXT { return hooks.name(ofPlugin: link.slot) }
        }
        return nil
    }

    func notifyConnected(_ connection: ConnectionPointer, resumed: Bool) {
        for link in resumed ? hooks.sessionResumed : hooks.sessionCreated {
            withView(of: connection, for: link) { link.function(link.state, $0) }
        }
        for link in hooks.connected { withView(of: connection, for: link) { link.function(link.state, $0) } }
    }

    /// Also for a connection that never got in, if a plugin has seen it.
    func notifyHooksClosed(_ connection: ConnectionPointer, _ reason: ReasonCode) {
        guard connection.pointee.isAnnounced || connection.pointee.slots != nil else { return }
        for link in hooks.closed {
            withView(of: connection, for: link) { link.function(link.state, $0, reason.rawValue, isth_str(.empty)) }
        }
    }

    // MARK: Subscriptions

    /// Returns false if a plugin refuses the subscription.
    func runSubscribeHooks(
        _ connection: ConnectionPointer,
        _ filter: ByteView,
        _ group: ByteView,
        _ options: SubscriptionOptions,
        _ identifier: UInt32,
        _ edit: inout Edit
    ) -> Bool {
        for link in hooks.subscribe {
            let result = withUnsafeMutablePointer(to: &edit) { edit in
                withView(of: filter, group: group, options, identifier: identifier) { subscription in
                    withView(of: connection, for: link) {
                        link.function(link.state, $0, subscription, OpaquePointer(edit))
                    }
                }
            }
            if result == ISTH_ALLOW { return true }
            if result != ISTH_NEXT {
                let plugin = hooks.name(ofPlugin: link.slot)
                tell(.warning, .authorization, connection, "\(plugin) lets it not subscribe to \(filter.clipped)")
                return false
            }
        }
        return true
    }

    func notifySubscribed(_ connection: ConnectionPointer, _ item: ResolvedSubscription, _ identifier: UInt32) {
        guard !hooks.subscribed.isEmpty else { return }
        item.filter.withUnsafeBytes { filter in
            item.group.withUnsafeBytes { group in
                let views = (ByteView(filter), ByteView(group))
                withView(of: views.0, group: views.1, item.options, identifier: identifier) { subscription in
                    for link in hooks.subscribed {
                        withView(of: connection, for: link) { link.function(link.state, $0, subscription) }
                    }
                }
            }
        }
    }

    func notifyUnsubscribed(_ connection: ConnectionPointer, _ filter: ByteView, _ group: ByteView) {
        for link in hooks.unsubscribed {
            withView(of: connection, for: link) {
                link.function(link.state, $0, isth_str(filter), isth_str(group))
            }
        }
    }
}
