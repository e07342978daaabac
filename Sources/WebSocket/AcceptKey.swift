// SPDX-License-Identifier: Apache-2.0
// Sec-WebSocket-Accept: the answer that shows a client that its request was read as one for a WebSocket. SHA-1 keeps
// no secret here.

import COpenSSL

enum AcceptKey {
    static func make(for key: some StringProtocol) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        SHA1(text, text.count, &digest)
        // 28 digits and the zero that OpenSSL puts behind them.
        var encoded = [UInt8](repeating: 0, count: 29)
        let count = EVP_EncodeBlock(&encoded, digest, Int32(digest.count))
        return String(decoding: encoded.prefix(Int(count)), as: UTF8.self)
    }
}
