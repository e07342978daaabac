// SPDX-License-Identifier: Apache-2.0
// The PUBLISH packets of one fan-out: encoded once for each (version, QoS), then copied to every receiver, with the
// Packet Identifier patched in.

import MQTT

struct EncodedForms {
    private struct Form {
        var offset = 0
        var length = 0
        var identifierOffset = 0
    }

    private var buffer = ByteBuffer()
    /// The fan-out that the forms are of, and the last one that began. They differ when a plugin published in between.
    private var owner: UInt32 = 0
    private var lastFanOut: UInt32 = 0
    /// By QoS, behind each other for versions before 5 and for 5.
    private let forms: UnsafeMutablePointer<Form>

    init() {
        forms = .allocate(capacity: 6)
        forms.initialize(repeating: Form(), count: 6)
    }

    func deallocate() {
        var buffer = buffer
        buffer.deallocate()
        forms.deallocate()
    }

    /// Begins a fan-out; the answer, never 0, names it.
    mutating func begin() -> UInt32 {
        lastFanOut = max(lastFanOut &+ 1, 1)
        return lastFanOut
    }

    private mutating func removeAll() {
        buffer.removeAll()
        for i in 0..<6 { forms[i].length = 0 }
    }

    /// Appends the publication as (`version`, `qos`) says: without retain flag and without properties.
    @inline(__always)
    mutating func append(
        _ publication: borrowing Publication,
        _ qos: QoS,
        _ packetIdentifier: UInt16,
        _ version: ProtocolVersion,
        fanOut: UInt32,
        to output: inout ByteBuffer
    ) {
        if owner != fanOut {
            removeAll()
            owner = fanOut
        }
        let form = forms + (Int(qos.rawValue) + (version == .v5 ? 3 : 0))
        if form.pointee.length == 0 { encode(publication, qos, version, form) }
        let length = form.pointee.length
        let target = output.reserve(length)
        target.update(from: buffer.view.base + form.pointee.offset, count: length)
        if qos != .atMostOnce {
            target[form.pointee.identifierOffset] = UInt8(truncatingIfNeeded: packetIdentifier >> 8)
            target[form.pointee.identifierOffset + 1] = UInt8(truncatingIfNeeded: packetIdentifier)
        }
        output.commit(length)
    }

    private mutating func encode(
        _ publication: borrowing Publication,
        _ qos: QoS,
        _ version: ProtocolVersion,
        _ form: UnsafeMutablePointer<Form>
    ) {
        form.pointee.offset = buffer.count
        form.pointee.identifierOffset = PublishEncoder.encode(
            into: &buffer,
            topic: publication.topic,
            payload: publication.payload,
            qos: qos,
            retain: false,
            version: version
        )
        form.pointee.length = buffer.count - form.pointee.offset
    }
}
