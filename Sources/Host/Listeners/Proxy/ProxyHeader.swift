// SPDX-License-Identifier: Apache-2.0
// The header by which a proxy (HAProxy, a load balancer) says whose connection it passes on, at the very beginning of
// the connection: the PROXY protocol, version 1 (a line of text) or 2 (binary). Bytes in, a header out; no I/O.

import Reactor

struct ProxyHeader: Equatable {
    enum Source: Equatable {
        /// The proxy speaks for itself (its health check, say): there is no client to be told of.
        case proxyItself
        /// The proxy does not tell.
        case unknown
        /// A Unix socket on the proxy's machine.
        case unix
        case address(SocketAddress)
    }

    var source: Source
    /// Whether the client's connection to the proxy is TLS.
    var isTLS = false
    /// The common name of the client's certificate, which the proxy has verified.
    var commonName: String?
    /// The host name the client asked the proxy for.
    var authority: String?

    enum Outcome: Equatable {
        case header(ProxyHeader, length: Int)
        /// More bytes have to come.
        case incomplete
        /// What is wrong with it.
        case malformed(String)
    }

    /// Longest line of version 1, with its CR LF.
    static let maximumTextLength = 107
    /// Longest header of version 2: its fixed part, and what is more than enough for addresses and a certificate's name.
    static let maximumBinaryLength = 16 + 4096

    static let textSignature: [UInt8] = Array("PROXY ".utf8)
    static let binarySignature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)

    /// Looks at the first bytes of a connection, all that have come so far.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        if begins(bytes, with: binarySignature) { return parseBinary(bytes) }
        if begins(bytes, with: textSignature) { return parseText(bytes) }
        return .malformed("it does not begin with a PROXY header")
    }

    /// Whether the bytes are the beginning of a header, as far as they go. One byte is not enough to tell.
    static func looksLikeOne(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 5 && (begins(bytes, with: binarySignature) || begins(bytes, with: textSignature))
    }

    private static func begins(_ bytes: UnsafeRawBufferPointer, with signature: [UInt8]) -> Bool {
        bytes.prefix(signature.count).elementsEqual(signature.prefix(bytes.count))
    }
}
