// SPDX-License-Identifier: Apache-2.0
// Clients that come, go, subscribe and unsubscribe, told below `$SYS/brokers/NODE/clients/CLIENTID/` as EMQX does: JSON
// with its member names. What the broker does not know (the listener's port, when a client that left had come) is not in.

import MQTT

public struct ClientEvents: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let connected = ClientEvents(rawValue: 1)
    public static let disconnected = ClientEvents(rawValue: 2)
    public static let subscribed = ClientEvents(rawValue: 4)
    public static let unsubscribed = ClientEvents(rawValue: 8)
}

extension Broker {
    @inline(never)
    func announceConnected(_ connection: ConnectionPointer) {
        guard settings.clientEvents.contains(.connected), connection.isOpen else { return }
        publish("/connected", of: connection) { event in
            let name: StaticString = connection.pointee.version == .v31 ? "MQIsdp" : "MQTT"
            event.add("proto_name", word: name)
            event.add("proto_ver", UInt64(connection.pointee.version.rawValue))
            event.add("connected_at", wallNow)
            event.add("keepalive", UInt64(connection.pointee.keepAlive))
            event.add("clean_start", connection.pointee.cleanStart)
            event.add("expiry_interval", UInt64(connection.pointee.sessionExpiryInterval) * 1000)
            event.add("connack", 0)
        }
    }

    @inline(never)
    func announceDisconnected(_ connection: ConnectionPointer, _ reason: ReasonCode) {
        guard settings.clientEvents.contains(.disconnected) else { return }
        publish("/disconnected", of: connection) { event in
            event.add("proto_ver", UInt64(connection.pointee.version.rawValue))
            event.add("reason", word: Self.word(for: reason))
            event.add("disconnected_at", wallNow)
        }
    }

    @inline(never)
    func announceSubscribed(_ connection: ConnectionPointer, _ item: ResolvedSubscription) {
        guard settings.clientEvents.contains(.subscribed) else { return }
        publish("/subscribed", of: connection) { event in
            item.filter.withUnsafeBytes { filter in
                item.group.withUnsafeBytes { group in add(filter: ByteView(filter), group: ByteView(group), to: &event)
                }
            }
            var options = JSONText()
            options.add("qos", UInt64(item.options.qos.rawValue))
            options.add("nl", item.options.noLocal ? 1 : 0)
            options.add("rap", item.options.retainAsPublished ? 1 : 0)
            options.add("rh", UInt64(item.options.retainHandling.rawValue))
            event.add("subopts", options)
        }
    }

    @inline(never)
    func announceUnsubscribed(_ connection: ConnectionPointer, _ filter: ByteView, _ group: ByteView) {
        guard settings.clientEvents.contains(.unsubscribed) else { return }
        publish("/unsubscribed", of: connection) { event in
            add(filter: filter, group: group, to: &event)
        }
    }

    private func describedEvent(_ connection: ConnectionPointer) -> JSONText {
        var event = JSONText()
        event.add("clientid", connection.pointee.clientIdentifier.view)
        let userName = connection.pointee.hasUserName ? connection.pointee.userName.view : ByteView("undefined")
        event.add("username", userName)
        event.add("ipaddress", connection.pointee.address.view)
        event.add("protocol", word: "mqtt")
        event.add("ts", wallNow)
        return event
    }

    private func add(filter: ByteView, group: ByteView, to event: inout JSONText) {
        guard !group.isEmpty else { return event.add("topic", filter) }
        let whole = Array("$share/".utf8) + group.buffer + [UInt8(ascii: "/")] + filter.buffer
        whole.withUnsafeBytes { event.add("topic", ByteView($0)) }
    }

    /// Nothing is put into words that nobody wants to know.
    private func publish(_ end: StaticString, of connection: ConnectionPointer, _ describe: (inout JSONText) -> Void) {
        guard index.systemFilterCount > 0 else { return }
        let identifier = connection.pointee.clientIdentifier.view
        // Such a name would be no topic name. [MQTT-3.3.2-2]
        guard !identifier.buffer.contains(UInt8(ascii: "+")),
            !identifier.buffer.contains(UInt8(ascii: "#"))
        else { return }
        var topic = Array("$SYS/brokers/\(settings.nodeName)/clients/".utf8)
        topic.append(contentsOf: identifier.buffer)
        end.withUTF8Buffer { topic.append(contentsOf: $0) }
        topic.withUnsafeBytes { topic in
            guard hasSubscribers(ByteView(topic)) else { return }
            var event = describedEvent(connection)
            describe(&event)
            event.finished.withUnsafeBytes { payload in
                var publication = Publication(
                    topic: ByteView(topic),
                    payload: ByteView(payload),
                    qos: 0,
                    retain: false,
                    origin: .system
                )
                _ = route(&publication)
                publication.release()
            }
        }
    }

    private func hasSubscribers(_ topic: ByteView) -> Bool {
        let mark = matches.count
        defer { matches.drop(to: mark) }
        match(topic)
        return matches.count > mark
    }

    /// EMQX's word for why a client is gone.
    private static func word(for reason: ReasonCode) -> StaticString {
        switch reason {
        case .normalDisconnection, .disconnectWithWill: "normal"
        case .unspecifiedError: "tcp_closed"
        case .keepAliveTimeout: "keepalive_timeout"
        case .sessionTakenOver: "takenover"
        case .serverShuttingDown: "shutdown"
        case .administrativeAction: "kicked"
        case .notAuthorized: "not_authorized"
        case .packetTooLarge: "frame_too_large"
        case .malformedPacket: "malformed_packet"
        case .protocolError: "protocol_error"
        default: "server_disconnect"
        }
    }
}
