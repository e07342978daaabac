// SPDX-License-Identifier: Apache-2.0
// Bytes in: cut into packets where they lie and each packet sent to its rules. Only the start of a packet whose rest
// has not come is copied.

import MQTT

extension Broker {
    /// Bytes of `identifier` arrived; they are used during the call only. Returns about how many bytes of messages they
    /// made for the clients of this loop.
    @discardableResult
    public func received(_ identifier: ConnectionIdentifier, _ bytes: UnsafeRawBufferPointer) -> Int {
        guard let connection = self.connection(identifier) else { return 0 }
        let (messages, payload) = (counters.publishSent, counters.payloadBytesSent)
        receive(connection, bytes)
        return Int(truncatingIfNeeded: counters.payloadBytesSent &- payload &+ (counters.publishSent &- messages) &* 32)
    }

    @inline(__always)
    private func receive(_ connection: ConnectionPointer, _ bytes: UnsafeRawBufferPointer) {
        connection.pointee.lastReceived = now
        counters.bytesReceived &+= UInt64(bytes.count)
        switch connection.pointee.state {
        case .closing: return  // [MQTT-3.1.4-6]
        case .suspended: connection.pointee.input.append(ByteView(bytes))
        case .expectingConnect, .authenticating, .connected:
            if connection.isHeld {
                connection.pointee.input.append(ByteView(bytes))
            } else if turn.spent > turn.limit {
                connection.pointee.input.append(ByteView(bytes))
                putOffEarly(connection)
            } else if connection.pointee.input.isEmpty {
                let used = process(connection, ByteView(bytes))
                keep(connection, ByteView(bytes).dropFirst(used))
            } else {
                complete(connection, ByteView(bytes))
            }
        }
    }

    /// The input starts with a packet that was cut off: only what it lacks is copied, the rest is processed in place.
    private func complete(_ connection: ConnectionPointer, _ bytes: ByteView) {
        var rest = bytes
        while !connection.pointee.input.isEmpty, !rest.isEmpty {
            guard case .incomplete(let needed) = frame(connection, connection.pointee.input.view) else { break }
            let lacking = min(max(needed - connection.pointee.input.count, 1), rest.count)
            connection.pointee.input.append(rest.slice(0, lacking))
            rest = rest.dropFirst(lacking)
            processInput(connection)
            if connection.isHeld { break }
        }
        guard connection.isOpen else { return }
        let waits = connection.pointee.state == .suspended || connection.isHeld
        if waits || !connection.pointee.input.isEmpty {
            connection.pointee.input.append(rest)
            return
        }
        let used = process(connection, rest)
        keep(connection, rest.dropFirst(used))
    }

    /// Processes what the connection owns, as far as it goes.
    func processInput(_ connection: ConnectionPointer) {
        // Taken out, since processing may suspend the connection, or a hook may send it more input.
        var input = connection.pointee.input
        connection.pointee.input = ByteBuffer()
        let used = process(connection, input.view)
        if connection.isOpen, used < input.count {
            input.removeFirst(used)
            connection.pointee.input = input
        } else {
            input.deallocate()
        }
    }

    private func keep(_ connection: ConnectionPointer, _ rest: ByteView) {
        if !rest.isEmpty, connection.isOpen { connection.pointee.input.append(rest) }
    }

    @inline(__always)
    func frame(_ connection: ConnectionPointer, _ bytes: ByteView) -> Framing {
        FixedHeader.parse(
            bytes,
            maximumPacketSize: settings.maximumPacketSize,
            version: connection.pointee.version
        )
    }

    /// Processes the complete packets at the start of `bytes` and returns how many bytes that were. It stops early
    /// when the connection is suspended, in front of the packet that has to wait, or closed.
    private func process(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        let outer = turn.reader
        turn.reader = connection
        defer { turn.reader = outer }
        if connection.pointee.state == .expectingConnect, !bytes.isEmpty, bytes[0] != 0x10 {
            // Whatever it is, its length means nothing: waiting for the rest would only keep the stranger.
            if bytes[0] == 0x16 {
                refuseTLS(connection)
            } else {
                let text: StaticString =
                    hasProxySignature(bytes)
                    ? "a PROXY header comes to a listener without proxy_protocol"
                    : "the first packet is not a CONNECT"  // [MQTT-3.1.0-1]
                malformed(connection, MalformedPacket(.protocolError, text))
            }
            return 0
        }
        if let limiter = connection.pointee.limiter { return processWithinRates(connection, limiter, bytes) }
        return processPackets(connection, bytes)
    }

    /// Both versions of the header, by as much of their signatures as no client's own packet begins with.
    private func hasProxySignature(_ bytes: ByteView) -> Bool {
        let start = bytes.buffer.prefix(5)
        return start.elementsEqual("PROXY".utf8) || start.elementsEqual("\r\n\r\n\0".utf8)
    }

    func processPackets(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        var used = 0
        while used < bytes.count {
            let rest = bytes.dropFirst(used)
            let quick = processQuickly(connection, rest)
            if quick > 0 {
                used &+= quick
                if connection.isHeld || !connection.isOpen { return used }
                continue
            }
            switch frame(connection, rest) {
            case .packet(let header):
                do {
                    let isDone = try dispatch(connection, header, header.body(in: rest))
                    if isDone { used &+= header.packetLength }
                } catch {
                    malformed(connection, error)
                }
                if connection.pointee.state == .suspended || connection.isHeld || !connection.isOpen {
                    return used
                }
            case .incomplete: return used
            case .malformed(let fault):
                malformed(connection, fault)
                return used
            }
        }
        return used
    }

    /// What a busy connection mostly carries, without a look at what it could carry else. Returns how many bytes that
    /// was: 0 if the packet is another one.
    @inline(__always)
    private func processQuickly(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        guard connection.pointee.state == .connected else { return 0 }
        switch bytes[0] {
        case 0x30: return publishRun(connection, bytes)
        case 0x32, 0x34: return publishAcknowledgedRun(connection, bytes)
        case 0x40, 0x50, 0x62, 0x70: return acknowledgeQuickly(connection, bytes) ? 4 : 0
        default: return 0
        }
    }

    /// Returns false if the packet has to be processed again when the suspended connection goes on.
    @inline(__always)
    private func dispatch(
        _ connection: ConnectionPointer,
        _ header: FixedHeader,
        _ body: ByteView
    ) throws(MalformedPacket) -> Bool {
        if connection.pointee.state != .connected { return try open(connection, header.type, body) }
        switch header.type {
        case .publish: return try publish(connection, header, body)
        case .puback, .pubrec, .pubrel, .pubcomp: try acknowledge(connection, header.type, body)
        case .subscribe: return try subscribe(connection, body)
        case .unsubscribe: return try unsubscribe(connection, body)
        case .pingreq:
            guard body.isEmpty else { throw MalformedPacket(.malformedPacket, "the PINGREQ is not empty") }
            touch(connection)
            connection.pointee.output.bytes.append(bigEndian: 0xD000 as UInt16)  // [MQTT-3.12.4-1]
        case .disconnect: try disconnect(connection, body)
        case .auth: return try auth(connection, body)
        // [MQTT-3.2.0-2]
        case .connect: throw MalformedPacket(.protocolError, "the client sent a second CONNECT")  // [MQTT-3.1.0-2]
        case .connack, .suback, .unsuback, .pingresp:
            throw MalformedPacket(.protocolError, "the client sent a packet that only a server sends")
        }
        return true
    }

    /// A TLS client on a listener without TLS: mostly a mistake in a configuration, whose owner is told once in a while.
    private func refuseTLS(_ connection: ConnectionPointer) {
        counters.malformedPackets &+= 1
        tell(
            .warning,
            .protocolError,
            connection,
            """
            the client speaks TLS to a listener without TLS and is closed; let it connect without TLS, or to a listener of \
            listeners.ssl
            """
        )
        refuse(connection, .protocolError, said: "")
    }

    /// The client broke the protocol: it is told why, if its version knows how, and closed. [MQTT-4.13.1-1]
    func malformed(_ connection: ConnectionPointer, _ fault: MalformedPacket) {
        counters.malformedPackets &+= 1
        tell(.notice, .protocolError, connection, "\(fault.text); closing the connection")
        // The text of a packet that is too large does not know the name of the limit.
        let text = fault.reason == .packetTooLarge ? "" : fault.text
        if connection.isEstablished {
            close(connection, fault.reason, text)
        } else {
            refuse(connection, fault.reason, said: text)
        }
    }
}
