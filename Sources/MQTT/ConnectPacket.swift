// SPDX-License-Identifier: Apache-2.0
// CONNECT of all three versions: its fields. Decoding is in ConnectPacket+Decoding.swift, encoding at the end here.
// Whether the client may connect, and what an empty client identifier becomes, is decided elsewhere.

public struct ConnectPacket: Sendable {
    public struct Will: Sendable {
        public var topic: ByteView
        public var payload: ByteView
        public var qos: QoS
        public var retain: Bool
        public var properties: Properties

        public init(
            topic: ByteView,
            payload: ByteView,
            qos: QoS = .atMostOnce,
            retain: Bool = false,
            properties: Properties = .empty
        ) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
            self.properties = properties
        }
    }

    public var version: ProtocolVersion
    /// The 0x80 bit of the level byte: the client is a bridge in the manner of mosquitto, which needs Retain As Published
    /// and No Local without being able to say so before MQTT 5.
    public var isBridge: Bool
    /// Clean Session before MQTT 5.
    public var cleanStart: Bool
    /// In seconds; 0 is none.
    public var keepAlive: UInt16
    public var properties: Properties
    public var clientIdentifier: ByteView
    public var will: Will?
    public var hasUserName: Bool
    public var userName: ByteView
    public var hasPassword: Bool
    public var password: ByteView

    public init(
        version: ProtocolVersion,
        clientIdentifier: ByteView,
        cleanStart: Bool = true,
        keepAlive: UInt16 = 0,
        properties: Properties = .empty,
        will: Will? = nil,
        userName: ByteView? = nil,
        password: ByteView? = nil,
        isBridge: Bool = false
    ) {
        self.version = version
        self.isBridge = isBridge
        self.cleanStart = cleanStart
        self.keepAlive = keepAlive
        self.properties = properties
        self.clientIdentifier = clientIdentifier
        self.will = will
        hasUserName = userName != nil
        self.userName = userName ?? .empty
        hasPassword = password != nil
        self.password = password ?? .empty
    }
}

/// The bits of the connect flags byte.
enum ConnectFlags {
    static let reserved: UInt8 = 0x01
    static let cleanStart: UInt8 = 0x02
    static let will: UInt8 = 0x04
    static let willQoS: UInt8 = 0x18
    static let willRetain: UInt8 = 0x20
    static let password: UInt8 = 0x40
    static let userName: UInt8 = 0x80
}

extension ConnectPacket {
    public func encode(into buffer: inout ByteBuffer) {
        let start = buffer.beginPacket(.connect)
        buffer.append(prefixed: version.protocolName)
        buffer.append(version.rawValue | (isBridge ? Self.bridgeBit : 0))
        buffer.append(flags)
        buffer.append(bigEndian: keepAlive)
        if version.hasProperties { buffer.append(section: properties) }
        buffer.append(prefixed: clientIdentifier)
        if let will {
            if version.hasProperties { buffer.append(section: will.properties) }
            buffer.append(prefixed: will.topic)
            buffer.append(prefixed: will.payload)
        }
        if hasUserName { buffer.append(prefixed: userName) }
        if hasPassword { buffer.append(prefixed: password) }
        buffer.endPacket(bodyAt: start)
    }

    private var flags: UInt8 {
        var flags = cleanStart ? ConnectFlags.cleanStart : 0
        if let will {
            flags |= ConnectFlags.will | will.qos.rawValue << 3
            if will.retain { flags |= ConnectFlags.willRetain }
        }
        if hasUserName { flags |= ConnectFlags.userName }
        if hasPassword { flags |= ConnectFlags.password }
        return flags
    }
}
