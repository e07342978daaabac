// SPDX-License-Identifier: Apache-2.0
// SCRAM against the examples of RFC 5802 and RFC 7677 and against a client of our own; what a client may get wrong; and
// what somebody learns who guesses names.

import Testing

@testable import PasswordAuthUsers

private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

/// The client's side, as the RFC has it.
struct SCRAMClient {
    let digest: Digest
    let first: String
    let header: String

    init(_ digest: Digest, _ user: String, nonce: String = "client", header: String = "n,,") {
        self.digest = digest
        self.header = header
        first = "\(header)n=\(user),r=\(nonce)"
    }

    var bytes: [UInt8] { Array(first.utf8) }

    struct Challenge {
        let nonce: String
        let salt: [UInt8]
        let iterations: Int

        init(_ message: [UInt8]) throws {
            let parts = text(message).split(separator: ",")
            nonce = String(try #require(parts.first).dropFirst(2))
            salt = try #require(Base64.decode(parts[1].dropFirst(2).utf8))
            iterations = try #require(Int(parts[2].dropFirst(2)))
        }
    }

    /// The last message and the answer it is to get. With another header or nonce the proof is one of that message.
    func final(
        _ challenge: [UInt8],
        _ password: String,
        header otherHeader: String? = nil,
        nonce otherNonce: String? = nil
    ) throws -> (message: [UInt8], answer: String) {
        let parts = try Challenge(challenge)
        let derivation = try PBKDF2(AlgorithmSettings(mac_fun: digest.rawValue, iterations: parts.iterations))
        let salted = try #require(derivation.derive(Array(password.utf8), parts.salt))
        let key = try #require(digest.authenticate(salted, Array("Client Key".utf8)))
        let stored = try #require(digest.hash(key))
        let server = try #require(digest.authenticate(salted, Array("Server Key".utf8)))
        let repeated = text(Base64.encode(Array((otherHeader ?? header).utf8)))
        let withoutProof = "c=\(repeated),r=\(otherNonce ?? parts.nonce)"
        let all = Array("\(first.dropFirst(header.count)),\(text(challenge)),\(withoutProof)".utf8)
        let signature = try #require(digest.authenticate(stored, all))
        let proof = text(Base64.encode(zip(key, signature).map { $0 ^ $1 }))
        let answer = try #require(digest.authenticate(server, all))
        return (Array("\(withoutProof),p=\(proof)".utf8), "v=\(text(Base64.encode(answer)))")
    }
}

private func table(
    _ algorithm: SCRAMAlgorithm = .sha256,
    iterations: Int = 16,
    _ rows: String = "ann,secret,true\nbob,\"a,b=c\",false",
    previous: SCRAMTable? = nil
) throws -> SCRAMTable {
    let file = Array("user_id,password,is_superuser\n\(rows)\n".utf8)
    return try SCRAMTable(algorithm, iterations: iterations, name: "users.csv", text: file, previous: previous)
}

@Suite struct SCRAMTests {
    private struct Example {
        let digest: Digest
        let first: String
        let nonce: String
        let salt: String
        let challenge: String
        let final: String
        let answer: String
    }

    private static let examples = [
        // RFC 5802, section 5
        Example(
            digest: .sha,
            first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            nonce: "3rfcNHYJY1ZVvWVs7j",
            salt: "QSXCR+Q6sek8bf92",
            challenge: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            answer: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
        ),
        // RFC 7677, section 3
        Example(
            digest: .sha256,
            first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
            challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            answer: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        ),
    ]

    @Test(arguments: examples.indices)
    func theExamplesOfTheStandards(index: Int) throws {
        let example = Self.examples[index]
        let salt = try #require(Base64.decode(example.salt.utf8))
        let derivation = try PBKDF2(AlgorithmSettings(mac_fun: example.digest.rawValue, iterations: 4096))
        let keys = try #require(SCRAMKeys(Array("pencil".utf8), salt, derivation))
        let exchange = SCRAMExchange(
            try #require(SCRAMFirstMessage(Array(example.first.utf8))),
            nonce: Array(example.nonce.utf8),
            salt: salt,
            iterations: 4096,
            example.digest,
            keys,
            SCRAMTable.User(keys: keys, isSuperuser: false, fingerprint: [])
        )
        #expect(text(exchange.answer) == example.challenge)
        #expect(text(exchange.finish(Array(example.final.utf8))?.data) == example.answer)
        #expect(
            exchange.finish(Array(example.final.replacing("p=d", with: "p=e").replacing("p=v", with: "p=w").utf8))
                == nil
        )
    }

    @Test(arguments: SCRAMAlgorithm.allCases)
    func aUserOfTheFileGetsIn(algorithm: SCRAMAlgorithm) throws {
        let table = try table(algorithm)
        let cases = [
            ("ann", "secret", true, "n,,"), ("bob", "a,b=c", false, "y,,"), ("ann", "secret", true, "n,a=ann,"),
        ]
        for (user, password, isSuperuser, header) in cases {
            let client = SCRAMClient(algorithm.digest, user, header: header)
            let exchange = try #require(SCRAMExchange(client.bytes, [table]))
            let (message, answer) = try client.final(exchange.answer, password)
            let success = exchange.finish(message)
            #expect(text(success?.data) == answer)
            #expect(text(success?.userName) == user)
            #expect(success?.isSuperuser == isSuperuser)
            let wrong = try #require(SCRAMExchange(client.bytes, [table]))
            #expect(try wrong.finish(client.final(wrong.answer, "other").message) == nil)
        }
        #expect(table.algorithm.method == (algorithm == .sha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512"))
    }

    @Test func namesMayHaveCommasAndEqualsSigns() throws {
        let table = try table(.sha256, "\"a,b=c\",secret,false")
        let client = SCRAMClient(.sha256, "a=2Cb=3Dc")
        let exchange = try #require(SCRAMExchange(client.bytes, [table]))
        #expect(text(exchange.userName) == "a,b=c")
        #expect(try exchange.finish(client.final(exchange.answer, "secret").message) != nil)
    }

    @Test(arguments: [
        "", "n", "n,,", "n,,n=ann", "n,,r=x", "n,,n=,r=x", "n,,n=ann,r=", "n,,n=ann,r=a b", "n,,n=ann,r=\u{e9}",
        "n,,n=a=nn,r=x", "n,,n=a=2c,r=x", "n,,n=a=,r=x", "n,,n=a\u{0}b,r=x", "p=tls-unique,,n=ann,r=x", "x,,n=ann,r=x",
        "n,a=bob,n=ann,r=x", "n,b=ann,n=ann,r=x", "n,,m=ext,n=ann,r=x", ",,n=ann,r=x", "n,n=ann,r=x",
    ])
    func aFirstMessageThatIsNoneIsRefused(message: String) throws {
        #expect(SCRAMExchange(Array(message.utf8), [try table()]) == nil)
    }

    @Test func aFirstMessageMayHaveExtensionsAndNoLength() throws {
        let table = try table()
        #expect(SCRAMExchange(Array("n,,n=ann,r=x,e=1".utf8), [table]) != nil)
        #expect(SCRAMExchange(Array("n,,n=ann,r=\(String(repeating: "x", count: 5000))".utf8), [table]) == nil)
        #expect(SCRAMExchange(Array("n,,n=".utf8) + [0xFF] + Array(",r=x".utf8), [table]) == nil)
        #expect(SCRAMExchange(Array("n,,n=ann,r=x".utf8), []) == nil)
    }

    /// Each is right but for one thing.
    @Test func aLastMessageHasToFit() throws {
        let table = try table()
        let client = SCRAMClient(.sha256, "ann")
        let changes: [(String) -> String] = [
            { $0.replacing("c=biws", with: "c=eSws") }, { $0.replacing("c=biws", with: "c=biw") },
            { $0.replacing("r=client", with: "r=Client") }, { $0.replacing(",p=", with: "x,p=") },
            { $0 + "," }, { $0.replacing("c=biws,", with: "") }, { String($0.prefix { $0 != "p" }) + "p=" },
            { String($0.prefix { $0 != "p" }) + "p=AAAA" }, { $0 + "AAAA" }, { _ in "" }, { _ in ",," },
            { $0.replacing(",p=", with: ",q=") }, { $0.replacing(",p=", with: ",e=1,p=") },
        ]
        for (number, change) in changes.enumerated() {
            let exchange = try #require(SCRAMExchange(client.bytes, [table]))
            let message = text(try client.final(exchange.answer, "secret").message)
            #expect(exchange.finish(Array(change(message).utf8)) == nil, "\(number)")
            #expect(exchange.finish(Array(message.utf8)) != nil)
        }
    }

    /// Somebody in the middle who changes the first message is noticed by what the last one repeats, although the proof fits.
    @Test(arguments: ["n,,", "y,,", "n,a=ann,"])
    func theLastMessageRepeatsTheFirst(header: String) throws {
        let table = try table()
        let client = SCRAMClient(.sha256, "ann", header: header)
        let exchange = try #require(SCRAMExchange(client.bytes, [table]))
        let nonce = try SCRAMClient.Challenge(exchange.answer).nonce
        for other in ["n,,", "y,,", "n,a=ann,", "", "n", "p=tls-unique,,", header + "x"] where other != header {
            let message = try client.final(exchange.answer, "secret", header: other).message
            #expect(exchange.finish(message) == nil, "\(other)")
        }
        for other in [
            "client", nonce + "x", String(nonce.dropLast()), String(nonce.dropFirst(6)), nonce.uppercased(), "",
        ] {
            let message = try client.final(exchange.answer, "secret", nonce: other).message
            #expect(exchange.finish(message) == nil, "\(other)")
        }
        #expect(try exchange.finish(client.final(exchange.answer, "secret").message) != nil)
    }

    /// With several tables somebody unknown seems to be in any of them, always in the same one.
    @Test func nobodyLearnsWhichTableHasUsers() throws {
        let tables = [try table(iterations: 16), try table(iterations: 17)]
        func iterations(_ user: String) throws -> Int {
            let exchange = try #require(SCRAMExchange(SCRAMClient(.sha256, user).bytes, tables))
            return try SCRAMClient.Challenge(exchange.answer).iterations
        }
        let strangers = (0..<64).map { "stranger\($0)" }
        #expect(Set(try strangers.map(iterations)) == [16, 17])
        for user in strangers { #expect(try iterations(user) == iterations(user)) }
        #expect(try iterations("ann") == 16)
    }

    /// The server's part of the nonce is new each time, so an old proof is worth nothing.
    @Test func aProofHoldsOnce() throws {
        let table = try table()
        let client = SCRAMClient(.sha256, "ann")
        let first = try #require(SCRAMExchange(client.bytes, [table]))
        let message = try client.final(first.answer, "secret").message
        #expect(first.finish(message) != nil)
        let second = try #require(SCRAMExchange(client.bytes, [table]))
        #expect(second.answer != first.answer)
        #expect(second.finish(message) == nil)
    }

    @Test func nobodyLearnsWhoIsAUser() throws {
        let table = try table()
        func challenge(_ user: String, _ table: SCRAMTable) throws -> SCRAMClient.Challenge {
            let exchange = try #require(SCRAMExchange(SCRAMClient(.sha256, user).bytes, [table]))
            return try SCRAMClient.Challenge(exchange.answer)
        }
        let known = try challenge("ann", table)
        let unknown = try challenge("eve", table)
        #expect(known.salt.count == unknown.salt.count)
        #expect(known.iterations == unknown.iterations)
        #expect(known.nonce.count == unknown.nonce.count)
        #expect(known.salt != unknown.salt)
        // Neither changes when it is asked again, nor at a reload.
        let reloaded = try SCRAMTests.reloaded(table)
        for user in ["ann", "eve"] {
            let salt = try challenge(user, table).salt
            #expect(try challenge(user, table).salt == salt)
            #expect(try challenge(user, reloaded).salt == salt)
        }
        let client = SCRAMClient(.sha256, "eve")
        let exchange = try #require(SCRAMExchange(client.bytes, [table]))
        #expect(try exchange.finish(client.final(exchange.answer, "secret").message) == nil)
    }

    private static func reloaded(_ previous: SCRAMTable) throws -> SCRAMTable {
        try table(.sha256, "ann,changed,false\nbob,\"a,b=c\",false\nzoe,new,false", previous: previous)
    }

    @Test func aReloadMakesOnlyTheKeysThatAreNew() throws {
        let before = try table()
        let after = try Self.reloaded(before)
        func keys(_ table: SCRAMTable, _ user: String) -> SCRAMKeys? { table.users[Array(user.utf8)]?.keys }
        #expect(keys(after, "bob") == keys(before, "bob"))
        #expect(keys(after, "ann") != keys(before, "ann"))
        #expect(after.count == 3)
        for (user, password) in [("ann", "changed"), ("bob", "a,b=c"), ("zoe", "new")] {
            let client = SCRAMClient(.sha256, user)
            let exchange = try #require(SCRAMExchange(client.bytes, [after]))
            #expect(try exchange.finish(client.final(exchange.answer, password).message) != nil)
        }
        let other = try table(.sha256, iterations: 17, previous: before)
        #expect(keys(other, "bob") != keys(before, "bob"))
    }

    @Test func theTableThatKnowsTheUserIsAsked() throws {
        let tables = [try table(.sha256, "ann,one,false"), try table(.sha256, "bob,two,false")]
        let client = SCRAMClient(.sha256, "bob")
        let exchange = try #require(SCRAMExchange(client.bytes, tables))
        #expect(try exchange.finish(client.final(exchange.answer, "two").message) != nil)
    }

    @Test func mistakesOfTheFileAreAllTold() {
        do {
            _ = try table(.sha256, ",x,\nann,,\nbob,x,\nbob,y,")
            Issue.record("the file was taken")
        } catch let errors as UserFileErrors {
            #expect(errors.sentences.map { String($0.prefix(12)) } == ["users.csv:2:", "users.csv:3:", "users.csv:5:"])
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func base64() {
        for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(text(Base64.encode(Array(plain.utf8))) == encoded)
            #expect(Base64.decode(encoded.utf8).map { text($0) } == plain)
        }
        for wrong in ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Zm9=", "Zm9v\n", "====", "A===", "Zm 9", "Z-_v"] {
            #expect(Base64.decode(wrong.utf8) == nil, "\(wrong)")
        }
        let all = (0...255).map { UInt8($0) }
        #expect(Base64.decode(Base64.encode(all)) == all)
    }
}
