// SPDX-License-Identifier: Apache-2.0
// CONNECT with properties that few tests need, and AUTH.

import MQTT

@testable import Broker

extension TestClient {
    func connect(
        cleanStart: Bool = true,
        will: String? = nil,
        userName: String? = nil,
        properties build: (inout PropertyWriter, TextKeeper) -> Void
    ) {
        let keeper = TextKeeper()
        let packet = ConnectPacket(
            version: version,
            clientIdentifier: keeper(name),
            cleanStart: cleanStart,
            properties: properties {
                build(&$0, keeper)
                if asksWhy { $0.append(.requestProblemInformation, true) }
            },
            will: will.map {
                ConnectPacket.Will(topic: keeper($0), payload: keeper("gone"), qos: .atMostOnce, retain: false)
            },
            userName: userName.map { keeper($0) }
        )
        send(encoded { packet.encode(into: &$0) })
    }

    /// CONNECT with an authentication method.
    func connect(method: String, _ data: String? = nil, will: String? = nil, maximumPacketSize: UInt32? = nil) {
        connect(will: will) { writer, text in
            writer.append(.authenticationMethod, text(method))
            if let data { writer.append(.authenticationData, text(data)) }
            if let maximumPacketSize { writer.append(.maximumPacketSize, maximumPacketSize) }
        }
    }

    func authBytes(_ reason: ReasonCode, _ method: String?, _ data: String? = nil) -> [UInt8] {
        let keeper = TextKeeper()
        let packet = AuthPacket(
            reason: reason,
            properties: properties { writer in
                if let method { writer.append(.authenticationMethod, keeper(method)) }
                if let data { writer.append(.authenticationData, keeper(data)) }
            }
        )
        return encoded { packet.encode(into: &$0) }
    }

    func auth(_ reason: ReasonCode, _ method: String?, _ data: String? = nil) {
        send(authBytes(reason, method, data))
    }
}
