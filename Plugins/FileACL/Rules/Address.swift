// SPDX-License-Identifier: Apache-2.0
// IP addresses and ranges. An IPv4 address that arrives as ::ffff:a.b.c.d is the IPv4 address; a range of one family
// never holds an address of the other.

import Glibc
import PluginKit

struct Address: Equatable {
    let isV4: Bool
    /// An IPv4 address stands in the low 32 bits.
    let bits: UInt128

    init?(_ text: String) {
        guard let address = text.withStr({ Address($0.view) }) else { return nil }
        self = address
    }

    /// Nil for what is no address, such as the empty one of a local socket.
    init?(_ view: BytesView) {
        let parsed: (Bool, UInt128)? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            // A zone (fe80::1%eth0) says where the address is valid, not which one it is.
            let length = view.buffer.firstIndex(of: UInt8(ascii: "%")) ?? view.count
            guard length > 0, length < text.count, let base = text.baseAddress else { return nil }
            memcpy(base, view.base, length)
            base[length] = 0
            var v4 = in_addr()
            if inet_pton(AF_INET, base, &v4) == 1 { return (true, UInt128(UInt32(bigEndian: v4.s_addr))) }
            var v6 = in6_addr()
            guard inet_pton(AF_INET6, base, &v6) == 1 else { return nil }
            let bits = withUnsafeBytes(of: &v6) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
            return bits >> 32 == 0xFFFF ? (true, bits & 0xFFFF_FFFF) : (false, bits)
        }
        guard let parsed else { return nil }
        (isV4, bits) = parsed
    }
}

struct AddressRange: Hashable {
    /// The family, and how many bits at the end do not count.
    struct Width: Hashable {
        let isV4: Bool
        let shift: UInt8
    }

    let width: Width
    private let network: UInt128

    /// `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = Address(String(parts[0])), !parts[0].contains("%") else { return nil }
        let written = parts[0].contains(":") ? 128 : 32
        var prefix = written
        if parts.count == 2 {
            guard let number = UInt8(parts[1]), number <= written, parts[1].first != "+" else { return nil }
            prefix = Int(number)
        }
        // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
        guard (address.isV4 ? 32 : 128) - (written - prefix) >= 0 else { return nil }
        self.init(of: address, Width(isV4: address.isV4, shift: UInt8(written - prefix)))
    }

    /// The range of that width which holds the address.
    init(of address: Address, _ width: Width) {
        self.width = width
        network = address.bits >> width.shift
    }

    func contains(_ address: Address) -> Bool {
        address.isV4 == width.isV4 && address.bits >> width.shift == network
    }
}
