// SPDX-License-Identifier: Apache-2.0
// The address that stands for a client whom a proxy passes on, in rules, plugins and logs. Rules trust programs of this
// machine, so who is not known to be one never has a loopback address.

import Broker
import Reactor
import WebSocket

extension ConnectionOrigin {
    /// What rules are shown of a client that may be anywhere.
    static let unknownAddress = "0.0.0.0"

    /// Takes over what header fields say. The client is of this machine only if all of them say so.
    mutating func adopt(_ client: ForwardedClient, from peer: SocketAddress) {
        let readable = client.addresses.map { SocketAddress(strict: $0) }
        isLoopback = isLoopback && !readable.isEmpty && readable.allSatisfy { $0?.isLoopback == true }
        if let stated = client.address {
            var address = SocketAddress(strict: stated)
            // A client may have written it itself, in front of what its proxy knows.
            if !isLoopback, address?.isLoopback ?? true {
                address = readable.compactMap { $0 }.first { !$0.isLoopback } ?? address
            }
            if let address {
                self.address = address.host
                port = client.port ?? port
            }
        }
        concealLoopback(from: peer)
    }

    /// Somebody at `peer` passes the client on: if that one is elsewhere, it stands for its client.
    mutating func concealLoopback(from peer: SocketAddress) {
        guard !isLoopback, SocketAddress(strict: address)?.isLoopback == true else { return }
        address = peer.isLoopback ? Self.unknownAddress : peer.host
    }
}
