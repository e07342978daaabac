// SPDX-License-Identifier: Apache-2.0
// The server's side of one SCRAM authentication (RFC 5802, RFC 7677): two messages from the client, two answers. It
// takes two HMACs, so it may run on an event loop.

public final class SCRAMExchange {
    public struct Success: Equatable, Sendable {
        public let data: [UInt8]
        public let userName: [UInt8]
        public let isSuperuser: Bool
    }

    /// Longer messages are none.
    private static let longest = 4096

    public let userName: [UInt8]
    /// For the client.
    public let answer: [UInt8]
    private let first: SCRAMFirstMessage
    private let nonce: [UInt8]
    private let digest: Digest
    private let keys: SCRAMKeys
    private let user: SCRAMTable.User?

    /// Nil if the message is none. The first table that knows the user is asked. Somebody unknown gets one of them, the same
    /// every time: the count of iterations tells nobody who is a user.
    public convenience init?(_ message: [UInt8], _ tables: [SCRAMTable]) {
        guard message.count <= Self.longest, let first = SCRAMFirstMessage(message),
            let table = tables.first(where: { $0.knows(first.userName) }) ?? pick(from: tables, for: first.userName),
            let (salt, keys, user) = table.credential(of: first.userName)
        else { return nil }
        let random = (0..<18).map { _ in UInt8.random(in: .min ... .max) }
        self.init(
            first,
            nonce: Base64.encode(random),
            salt: salt,
            iterations: table.iterations,
            table.algorithm.digest,
            keys,
            user
        )
    }

    init(
        _ first: SCRAMFirstMessage,
        nonce: [UInt8],
        salt: [UInt8],
        iterations: Int,
        _ digest: Digest,
        _ keys: SCRAMKeys,
        _ user: SCRAMTable.User?
    ) {
        self.first = first
        self.digest = digest
        self.keys = keys
        self.user = user
        self.nonce = first.nonce + nonce
        userName = first.userName
        answer =
            Array("r=".utf8) + self.nonce + Array(",s=".utf8) + Base64.encode(salt) + Array(",i=\(iterations)".utf8)
    }

    /// Nil if the client does not know the password, or nobody has that name.
    public func finish(_ message: [UInt8]) -> Success? {
        guard message.count <= Self.longest, let final = SCRAMFinalMessage(message), final.header == first.header,
            equal(final.nonce, nonce), final.proof.count == digest.size
        else { return nil }
        let all = first.bare + [UInt8(ascii: ",")] + answer + [UInt8(ascii: ",")] + final.withoutProof
        let isRight = keys.accept(final.proof, all, digest)
        guard let signature = digest.authenticate(keys.server, all), isRight, let user else { return nil }
        return Success(
            data: Array("v=".utf8) + Base64.encode(signature),
            userName: userName,
            isSuperuser: user.isSuperuser
        )
    }
}
