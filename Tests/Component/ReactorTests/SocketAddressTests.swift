// SPDX-License-Identifier: Apache-2.0
// Addresses as text: what is written must read as the same address.

import Reactor
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        "0.0.0.0", "9.10.99.100", "127.0.0.1", "199.200.255.249", "255.255.255.255", "::1", "2001:db8::7",
    ])
    func anAddressIsWrittenAsItIsRead(_ text: String) throws {
        let address = try #require(SocketAddress(strict: text, port: 1883))
        #expect(address.host == text)
        #expect(address.description == (text.contains(":") ? "[\(text)]:1883" : "\(text):1883"))
    }

    @Test func everyByteIsWritten() throws {
        for byte in 0...UInt32(255) {
            let address = SocketAddress(ipv4: byte << 24 | byte << 16 | (255 - byte) << 8 | byte, port: 0)
            #expect(address.host == "\(byte).\(byte).\(255 - byte).\(byte)")
        }
    }
}
