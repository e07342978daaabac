// SPDX-License-Identifier: Apache-2.0
// What may stand between a client's byte stream (decrypted, if it is TLS) and the broker: the reader of a PROXY header,
// then WebSocket. A client of plain MQTT has none.

import Glibc
import MQTT
import Reactor

/// On the client's loop. A layer lives as long as its client has it.
class ClientLayer {
    /// Bytes of the peer, valid during the call, and to be overwritten if need be.
    func received(_ bytes: UnsafeRawBufferPointer, _ client: Client) {}

    /// What the broker sends, which is asked for only after `Client.join`; the answer counts the broker's bytes.
    func send(_ parts: UnsafePointer<ByteView>, _ count: Int, _ client: Client) -> Int {
        client.sendPlain(parts, count)
    }

    /// The socket takes bytes again. Whoever owes the broker room says so by `Client.roomAgain`.
    func writable(_ client: Client) { client.roomAgain() }

    /// The broker is done with the client: the layer says its farewell, then the stream closes.
    func closing(_ client: Client) {}

    /// The connection has ended.
    func ended(_ client: Client) {}
}
