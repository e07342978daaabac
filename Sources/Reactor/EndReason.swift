// SPDX-License-Identifier: Apache-2.0
// Why a stream ended, told once to its owner.

import Glibc

public enum EndReason: Equatable, Sendable {
    /// The peer finished in order (FIN, or close_notify of TLS) after all its bytes were delivered.
    case peerClosed
    /// The peer or the network cut the connection (RST).
    case peerReset
    /// This side closed it.
    case closedLocally
    /// The peer took no byte of what it was sent for this many milliseconds.
    case sendTimedOut(UInt64)
    /// The event loop ends.
    case loopStopped
    /// A socket call failed with this error number.
    case failed(Int32)
    /// The TLS layer gave up; the text is a full sentence.
    case tls(String)
    /// The TLS layer of a server was sent something else than TLS.
    case notTLS
    /// The peer's certificate was not accepted; the text is a full sentence.
    case untrusted(String)

    init(errorNumber: Int32) {
        self = errorNumber == ECONNRESET || errorNumber == EPIPE ? .peerReset : .failed(errorNumber)
    }

    public var sentence: String {
        switch self {
        case .peerClosed: "the peer closed the connection"
        case .peerReset: "the peer reset the connection"
        case .closedLocally: "this side closed the connection"
        case .sendTimedOut(let limit): "the peer took nothing of what it was sent for \(limit) ms"
        case .loopStopped: "the event loop stopped"
        case .failed(let number): "the connection failed: \(describeError(number))"
        case .tls(let text), .untrusted(let text): text
        case .notTLS: "looks like a plain (non-TLS) client on a TLS listener; connect with TLS or use a plain port"
        }
    }
}
