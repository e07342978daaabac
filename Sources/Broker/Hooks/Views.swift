// SPDX-License-Identifier: Apache-2.0
// What plugins are shown: C structs filled on the stack from what the broker holds, valid during the call.

import MQTT
import PluginAPI

extension Broker {
    /// Calls `body` with a view of the connection, as the plugin behind `link` is to see it.
    func withView<Function, Result>(
        of connection: ConnectionPointer,
        for link: HookLink<Function>,
        _ body: (UnsafePointer<isth_client>) -> Result
    ) -> Result {
        if connection.pointee.slots == nil {
            let slots = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(hooks.pluginCount, 1))
            slots.initialize(repeating: nil, count: max(hooks.pluginCount, 1))
            connection.pointee.slots = slots
        }
        var flags: UInt32 = 0
        if connection.pointee.hasUserName { flags |= UInt32(ISTH_CLIENT_HAS_USERNAME) }
        if connection.pointee.hasPassword { flags |= UInt32(ISTH_CLIENT_HAS_PASSWORD) }
        if connection.pointee.cleanStart { flags |= UInt32(ISTH_CLIENT_CLEAN_START) }
        if connection.pointee.isSuperuser { flags |= UInt32(ISTH_CLIENT_SUPERUSER) }
        if connection.pointee.isBridge { flags |= UInt32(ISTH_CLIENT_IS_BRIDGE) }
        if connection.pointee.hasAssignedIdentifier { flags |= UInt32(ISTH_CLIENT_ASSIGNED_ID) }
        var view = isth_client()
        view.size = UInt32(MemoryLayout<isth_client>.size)
        view.loop = UInt32(loop)
        // Between slot (24 bits at most) and generation (28 bits from bit 32 on).
        view.conn = UInt64(loop) << 24 | connection.pointee.identifier.rawValue
        view.client_id = isth_str(connection.pointee.clientIdentifier.view)
        view.username = isth_str(connection.pointee.userName.view)
        view.listener = isth_str(listenerNames[connection.pointee.listener])
        view.peer_addr = isth_str(connection.pointee.address.view)
        view.tls_common_name = isth_str(connection.pointee.commonName.view)
        view.peer_port = connection.pointee.port
        view.protocol = connection.pointee.version.rawValue
        view.transport = connection.pointee.transportKind
        view.flags = flags
        view.keepalive_s = UInt32(connection.pointee.keepAlive)
        view.session_expiry_s = connection.pointee.sessionExpiryInterval
        view.slot = connection.pointee.slots.map { $0 + link.slot }
        return link.call { withUnsafePointer(to: &view, body) }
    }

    /// Calls `body` with a view of the publication.
    func withView<Result>(
        of publication: borrowing Publication,
        _ body: (UnsafePointer<isth_msg>) -> Result
    ) -> Result {
        let publisher = publication.publisher
        var view = isth_msg()
        view.size = UInt32(MemoryLayout<isth_msg>.size)
        view.qos = publication.qos
        view.origin = publication.origin.rawValue
        view.received_ms = publication.receivedAt == 0 ? wallNow : publication.receivedAt
        view.topic = isth_str(publication.topic)
        view.payload = isth_bytes(publication.payload)
        view.publisher_id = isth_str(publisher.clientIdentifier)
        view.publisher_username = isth_str(publisher.userName)
        view.publisher_addr = isth_str(publisher.address)
        view.publisher_port = publisher.port
        view.publisher_protocol = publisher.version
        view.origin_id = publication.originIdentifier
        if publication.retain { view.flags |= UInt32(ISTH_MSG_RETAIN) }
        if publisher.hasUserName { view.flags |= UInt32(ISTH_MSG_HAS_USERNAME) }
        if publication.expiresAt != 0 {
            view.flags |= UInt32(ISTH_MSG_HAS_EXPIRY)
            view.expiry_s = UInt32(clamping: (publication.expiresAt - min(now, publication.expiresAt) + 999) / 1000)
        }
        if publication.properties.isEmpty { return withUnsafePointer(to: &view, body) }
        let properties = Properties(encoded: publication.properties)
        let pairs = view.set(properties)
        return pairs.withUnsafeBufferPointer { buffer in
            view.user_properties = buffer.baseAddress
            view.user_property_count = buffer.count
            return withUnsafePointer(to: &view, body)
        }
    }

    func withView<Result>(
        of filter: ByteView,
        group: ByteView,
        _ options: SubscriptionOptions,
        identifier: UInt32,
        _ body: (UnsafePointer<isth_sub>) -> Result
    ) -> Result {
        var view = isth_sub()
        view.size = UInt32(MemoryLayout<isth_sub>.size)
        view.qos = options.qos.rawValue
        view.no_local = options.noLocal ? 1 : 0
        view.retain_as_published = options.retainAsPublished ? 1 : 0
        view.retain_handling = options.retainHandling.rawValue
        view.subscription_id = identifier
        view.filter = isth_str(filter)
        view.share_group = isth_str(group)
        return withUnsafePointer(to: &view, body)
    }

    /// A line about a connection, which its client may be able to cause again and again.
    @inline(never)
    func tell(
        _ level: LogLevel,
        _ kind: LogKind,
        _ connection: ConnectionPointer,
        _ text: @autoclosure () -> String
    ) {
        guard level >= logLevel else { return }
        let name = connection.pointee.clientIdentifier.view
        // A name that we have made is another one each time.
        let isNamed = !name.isEmpty && !connection.pointee.hasAssignedIdentifier
        let source = isNamed ? name.hash64 : connection.pointee.address.view.hash64
        let line = throttle.line(kind, source, level) { "\(describe(connection)): \(text())" }
        if let line { log(level, line) }
    }

    /// Who and where, for a log line.
    func describe(_ connection: ConnectionPointer) -> String {
        let name = connection.pointee.clientIdentifier.view.clipped
        let place = "\(connection.pointee.address.view.string):\(connection.pointee.port)"
        let listener = listenerNames[connection.pointee.listener].string
        return name.isEmpty ? "connection from \(place) on \(listener)" : "client \(name) from \(place) on \(listener)"
    }
}

extension isth_msg {
    /// Takes over what MQTT 5 properties say of a message. The user properties are returned, since the view only points to
    /// them; expiry is left to the caller, who knows what is left of it.
    public mutating func set(_ properties: Properties) -> [isth_pair] {
        if let text = properties.contentType {
            flags |= UInt32(ISTH_MSG_HAS_CONTENT_TYPE)
            content_type = isth_str(text)
        }
        if let topic = properties.responseTopic {
            flags |= UInt32(ISTH_MSG_HAS_RESPONSE_TOPIC)
            response_topic = isth_str(topic)
        }
        if let data = properties.correlationData {
            flags |= UInt32(ISTH_MSG_HAS_CORRELATION)
            correlation = isth_bytes(data)
        }
        if let format = properties.payloadFormatIndicator {
            flags |= UInt32(ISTH_MSG_HAS_PAYLOAD_FORMAT)
            payload_format = format
        }
        guard properties.contains(.userProperty) else { return [] }
        return properties.userProperties.map { isth_pair(name: isth_str($0.name), value: isth_str($0.value)) }
    }
}
