// SPDX-License-Identifier: Apache-2.0
// Enhanced authentication: from a CONNECT with an authentication method through AUTH packets to the CONNACK, and again
// whenever the client wishes. A plugin knows the method; the order of the packets is kept here. [MQTT-4.12.0-1]

import MQTT
import PluginAPI

extension Broker {
    /// A packet of a client that is not connected yet. Returns false if it has to be processed again.
    @inline(never)
    func open(
        _ connection: ConnectionPointer,
        _ type: PacketType,
        _ body: ByteView
    ) throws(MalformedPacket) -> Bool {
        guard connection.pointee.state == .authenticating else { return try connect(connection, body) }
        switch type {
        case .auth: return try auth(connection, body)
        case .disconnect:
            try disconnect(connection, body)
            return true
        default:  // [MQTT-3.1.2-30]
            throw MalformedPacket(
                .protocolError,
                "the client sent something else than AUTH or DISCONNECT during its authentication"
            )
        }
    }

    /// The CONNECT names a method.
    func beginExchange(_ connection: ConnectionPointer, _ properties: Properties, _ body: ByteView) -> Admission {
        if connection.pointee.exchange == nil {
            let exchange = UnsafeMutablePointer<AuthenticationExchange>.allocate(capacity: 1)
            exchange.initialize(
                to: AuthenticationExchange(
                    method: properties.authenticationMethod ?? .empty,
                    deadline: now + settings.idleTimeout
                )
            )
            connection.pointee.exchange = exchange
        }
        let admission = step(connection, ISTH_AUTH_START, properties.authenticationData ?? .empty)
        if case .goOn = admission {
            connection.pointee.exchange?.pointee.keep(connect: body)
            connection.pointee.state = .authenticating
        }
        return admission
    }

    /// AUTH from the client. Returns false if it has to be processed again.
    @inline(never)
    func auth(_ connection: ConnectionPointer, _ body: ByteView) throws(MalformedPacket) -> Bool {
        let packet = try AuthPacket.decode(body, version: connection.pointee.version)
        if settings.refusesDiscouragedText { try packet.properties.refuseDiscouragedText() }
        guard let exchange = connection.pointee.exchange else {
            // [MQTT-4.12.0-7]
            throw MalformedPacket(.protocolError, "the client sent AUTH without an authentication method")
        }
        guard packet.properties.authenticationMethod == exchange.pointee.method.view else {
            // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
            throw MalformedPacket(.protocolError, "the AUTH names another authentication method than the CONNECT")
        }
        if connection.pointee.pending?.stage == .authorizeWill { return try goOn(connection, exchange) }
        let expected = exchange.pointee.awaitsClient ? ReasonCode.continueAuthentication : .reauthenticate
        guard packet.reason == expected else {  // [MQTT-4.12.0-3]
            throw MalformedPacket(.protocolError, "the AUTH reason code does not fit the state of the authentication")
        }
        let phase = exchange.pointee.awaitsClient ? ISTH_AUTH_CONTINUE : ISTH_AUTH_REAUTH
        switch step(connection, phase, packet.properties.authenticationData ?? .empty) {
        case .allow: return connection.isEstablished ? true : try goOn(connection, exchange)
        case .deny(let reason, let details):
            if connection.isEstablished {
                // [MQTT-4.12.1-2]
                close(connection, reason.isDefined(in: .disconnect) ? reason : .notAuthorized, details)
            } else {
                refuse(connection, reason, details)  // [MQTT-4.12.0-4]
            }
            return true
        case .later: return false
        case .goOn: return true
        }
    }

    /// The CONNECT that the exchange was about.
    private func goOn(
        _ connection: ConnectionPointer,
        _ exchange: UnsafeMutablePointer<AuthenticationExchange>
    ) throws(MalformedPacket) -> Bool {
        try admit(connection, ConnectPacket.decode(exchange.pointee.connect.view).will)
    }

    // MARK: Asking

    private func step(_ connection: ConnectionPointer, _ phase: Int, _ data: ByteView) -> Admission {
        guard let exchange = connection.pointee.exchange else { return .deny(.badAuthenticationMethod, nil) }
        var next = 0
        var given = takeAnswer(connection, .authenticate, nextLink: &next)
        while exchange.pointee.link < hooks.authStep.count {
            let hook = hooks.authStep[exchange.pointee.link]
            guard let answer = given ?? ask(connection, exchange, hook, phase, data) else { return .later }
            // A method that one plugin has taken is no other plugin's.
            guard answer.result == ISTH_NEXT, phase == ISTH_AUTH_START else {
                return conclude(connection, exchange, answer, hook.slot)
            }
            given = nil
            exchange.pointee.link += 1
        }
        let method = exchange.pointee.method.view.clipped
        tell(.warning, .admission, connection, "not admitted: no plugin serves its authentication method \(method)")
        return .deny(.badAuthenticationMethod, nil)  // [MQTT-4.12.0-1]
    }

    /// `nil` if the answer comes later.
    private func ask(
        _ connection: ConnectionPointer,
        _ exchange: UnsafeMutablePointer<AuthenticationExchange>,
        _ hook: HookLink<HookTable.AuthStep>,
        _ phase: Int,
        _ data: ByteView
    ) -> HookAnswer? {
        let ticket = tickets.open(connection.pointee.identifier)
        let method = isth_str(exchange.pointee.method.view)
        let result = withView(of: connection, for: hook) {
            hook.function(hook.state, $0, ticket, Int32(phase), method, isth_bytes(data))
        }
        guard result == ISTH_LATER else {
            tickets.close(ticket)
            return HookAnswer(result: result)
        }
        if let early = tickets.wait(ticket) { return early }
        suspend(connection, .authenticate, ticket, exchange.pointee.link)
        return nil
    }

    private func conclude(
        _ connection: ConnectionPointer,
        _ exchange: UnsafeMutablePointer<AuthenticationExchange>,
        _ answer: HookAnswer,
        _ plugin: Int
    ) -> Admission {
        connection.pointee.pending = nil
        guard answer.result == ISTH_ALLOW else { return denial(connection, answer, plugin, .notAuthorized) }
        let data = answer.details?.authenticationData ?? []
        exchange.pointee.awaitsClient = answer.continues
        if answer.continues {  // [MQTT-4.12.0-2]
            guard send(.continueAuthentication, data, connection, exchange) else { return tooLarge(connection) }
            return .goOn
        }
        if connection.isEstablished {
            guard isSameUser(connection, answer) else { return somebodyElse(connection, answer) }
            guard send(.success, data, connection, exchange) else { return tooLarge(connection) }
            // Its rights may be others now.
            connection.pointee.authorized.forget()
        } else {
            guard data.count <= Int(UInt16.max) else { return tooLarge(connection) }
            exchange.pointee.keep(data: data)
        }
        takeIdentity(connection, answer)
        return .allow
    }

    /// The session, its subscriptions and its will are those of who made them.
    private func isSameUser(_ connection: ConnectionPointer, _ answer: HookAnswer) -> Bool {
        guard let name = answer.details?.userName, !name.isEmpty else { return true }
        return connection.pointee.hasUserName
            && name.withUnsafeBytes { ByteView($0) == connection.pointee.userName.view }
    }

    private func somebodyElse(_ connection: ConnectionPointer, _ answer: HookAnswer) -> Admission {
        let name = (answer.details?.userName ?? []).withUnsafeBytes { ByteView($0).clipped }
        tell(
            .warning,
            .admission,
            connection,
            "closed: it authenticates again as \(name), and is somebody else; it has to connect anew as that user"
        )
        return .deny(.notAuthorized, nil)
    }

    private func tooLarge(_ connection: ConnectionPointer) -> Admission {
        tell(.warning, .plugin, connection, "the plugin's authentication data is larger than the client takes")
        return .deny(.implementationSpecificError, nil)
    }

    // MARK: Answering

    /// Returns false if the packet would be too large. It has no reason string. [MQTT-3.1.2-24] [MQTT-3.15.2-2]
    private func send(
        _ reason: ReasonCode,
        _ data: [UInt8],
        _ connection: ConnectionPointer,
        _ exchange: UnsafeMutablePointer<AuthenticationExchange>
    ) -> Bool {
        guard data.count <= Int(UInt16.max) else { return false }
        properties.removeAll()
        appendExchange(exchange, data)
        let size = Self.packetSize(besideProperties: 1, properties.raw.count)
        guard size <= Int(connection.pointee.maximumPacketSize) else { return false }
        touch(connection)
        AuthPacket(reason: reason, properties: properties.properties)
            .encode(into: &connection.pointee.output.bytes)
        return true
    }

    /// The method, in every answer of an exchange, and the data. [MQTT-4.12.0-5]
    private func appendExchange(_ exchange: UnsafeMutablePointer<AuthenticationExchange>, _ data: [UInt8]) {
        properties.append(.authenticationMethod, exchange.pointee.method.view)
        if !data.isEmpty { data.withUnsafeBytes { properties.append(.authenticationData, ByteView($0)) } }
    }

    /// The end of the exchange, for the CONNACK that is being written.
    func appendExchange(_ exchange: UnsafeMutablePointer<AuthenticationExchange>) {
        appendExchange(exchange, Array(exchange.pointee.data.view.buffer))
    }
}
