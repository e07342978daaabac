// SPDX-License-Identifier: Apache-2.0
// The first stage of a connection on a listener with `proxy_protocol`: collects the PROXY header, takes over what it
// says of the client, and hands on what came behind it.

import Reactor

final class ProxyLayer: ClientLayer {
    private var collected: [UInt8] = []
    private var deadline = TimerID.none

    init(_ client: Client, timeout: UInt64) {
        super.init()
        deadline = client.loop.schedule(after: timeout) { [unowned client] in
            Self.refuse(client, "its PROXY header did not come within \(timeout) ms")
        }
    }

    override func received(_ bytes: UnsafeRawBufferPointer, _ client: Client) {
        // Mostly the header comes in one piece.
        if collected.isEmpty { return parse(bytes, client) }
        collected.append(contentsOf: bytes)
        // What follows the header may be decoded in its place.
        var all = collected
        all.withUnsafeMutableBytes { parse(UnsafeRawBufferPointer($0), client) }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer, _ client: Client) {
        switch ProxyHeader.parse(bytes) {
        case .incomplete: if collected.isEmpty { collected = Array(bytes) }
        case .malformed(let fault): Self.refuse(client, fault)
        case .header(let header, let length):
            client.loop.cancel(deadline)
            client.layer = nil
            client.passedOn(header, UnsafeRawBufferPointer(rebasing: bytes[length...]))
        }
    }

    override func ended(_ client: Client) { client.loop.cancel(deadline) }

    private static func refuse(_ client: Client, _ fault: String) {
        client.port.complain(
            client.peer,
            """
            \(client.peer) is turned away: \(fault); let the proxy send one, or set \
            \(client.port.plan.path).proxy_protocol = false
            """
        )
        client.closeNow()
    }
}

extension Client {
    /// The proxy has said whose connection this is.
    fileprivate func passedOn(_ header: ProxyHeader, _ bytes: UnsafeRawBufferPointer) {
        var source = peer
        let facts = ClientFacts()
        switch header.source {
        case .address(let address):
            source = address
            facts.address = address.host
            facts.port = address.port
        case .unknown, .proxyItself: facts.isHidden = true
        case .unix: break
        }
        facts.commonName = header.commonName
        self.facts = facts
        guard port.admits(source) else { return closeNow() }
        beginSecurity(bytes)
    }
}
