// SPDX-License-Identifier: Apache-2.0
// What arrives from the server: bytes are cut into packets in place, and the plugin is told one event after the other.

import Broker
import MQTT
import PluginAPI
import Reactor

extension OutboundConnection {
    /// More memory than this is given back once a large packet is handled.
    private static let inputKept = 1 << 20

    func received(_ bytes: ByteView, from source: ClientStream) {
        machine.keepAlive.heard(loop.nowMilliseconds)
        if input.isEmpty {
            let used = handle(bytes, source)
            guard stream === source else { return }
            input.append(bytes.dropFirst(used))
        } else {
            input.append(bytes)
            guard input.count >= needed else { return }
            // A callback may close the connection; the message it looks at lives until it returns.
            var held = input
            input = ByteBuffer()
            let used = handle(held.view, source)
            guard stream === source else { return held.deallocate() }
            held.removeFirst(used)
            if held.isEmpty, held.capacity > Self.inputKept { held.deallocate() }
            input = held
        }
        if machine.output.waiting > 0 { requireFlush() }
        tellRoom()
    }

    /// Handles all whole packets and returns how many bytes they took. It ends early if a callback or the server ended
    /// the connection.
    private func handle(_ bytes: ByteView, _ source: ClientStream) -> Int {
        var offset = 0
        while stream === source {
            switch machine.receive(bytes, at: &offset, now: loop.nowMilliseconds) {
            case .nothing: continue
            case .incomplete(let count):
                needed = count
                return offset
            case .message(let packet): hand(packet)
            case .acknowledged(let cookie, let reason):
                callbacks.acked?(callbacks.ud, identifier, cookie, reason.rawValue)
            case .up(let sessionPresent): wentUp(sessionPresent)
            case .down(let fault): lost(fault.reason, "\(options.endpoint): \(fault.text)")
            }
        }
        return offset
    }

    private func wentUp(_ sessionPresent: Bool) {
        phase = .up
        upSince = loop.nowMilliseconds
        loop.cancel(phaseTimer)
        scheduleKeepAlive()
        callbacks.up?(callbacks.ud, identifier, sessionPresent ? 1 : 0)
    }

    func ended(_ reason: EndReason) {
        stream = nil
        let place = options.endpoint
        switch (reason, phase) {
        case (.loopStopped, _):
            // The broker is gone, and the plugin with it.
            machine.disconnected()
            phase = .closed
        case (_, .up): lost(.unspecifiedError, "\(place): \(reason.sentence)")
        case (.tls(let text), _): lost(.serverUnavailable, "\(place): \(text)")
        default: lost(.serverUnavailable, "\(place): \(reason.sentence) before the CONNACK")
        }
    }

    // MARK: - Messages

    private func hand(_ packet: PublishPacket) {
        guard let message = callbacks.message else { return }
        var view = isth_msg()
        view.size = UInt32(MemoryLayout<isth_msg>.size)
        view.qos = packet.qos.rawValue
        view.origin = UInt8(ISTH_ORIGIN_LINK)
        view.publisher_protocol = ProtocolVersion.v5.rawValue
        view.received_ms = Clock.wallMilliseconds
        view.topic = isth_str(packet.topic)
        view.payload = isth_bytes(packet.payload)
        if packet.retain { view.flags |= UInt32(ISTH_MSG_RETAIN) }
        if packet.dup { view.flags |= UInt32(ISTH_MSG_DUP) }
        guard !packet.properties.isEmpty else { return message(callbacks.ud, identifier, &view) }
        if let seconds = packet.properties.messageExpiryInterval {
            view.flags |= UInt32(ISTH_MSG_HAS_EXPIRY)
            view.expiry_s = seconds
        }
        let pairs = view.set(packet.properties)
        pairs.withUnsafeBufferPointer { pairs in
            view.user_properties = pairs.isEmpty ? nil : pairs.baseAddress
            view.user_property_count = pairs.count
            message(callbacks.ud, identifier, &view)
        }
    }
}
