// SPDX-License-Identifier: Apache-2.0
// Every algorithm against hashes that other programs have made (Python's hashlib and crypt, the openssl command).
// The password is "public" and the salt "salt" throughout.

import Testing

@testable import PasswordAuthUsers

private let password = Array("public".utf8)
private let wrong = Array("Public".utf8)

private func algorithm(_ name: String, _ position: String = "prefix") throws -> Algorithm {
    try Algorithm(AlgorithmSettings(name: name, salt_position: position))
}

private func pbkdf2(_ digest: String, length: Int? = nil) throws -> Algorithm {
    try Algorithm(AlgorithmSettings(name: "pbkdf2", mac_fun: digest, iterations: 1000, dk_length: length))
}

private func credential(_ algorithm: Algorithm, _ hash: String, _ salt: String = "salt") throws -> Credential {
    try algorithm.credential(hash: Array(hash.utf8), salt: Array(salt.utf8), isSuperuser: false)
}

@Suite struct AlgorithmTests {
    @Test(
        "Digests with the salt before, after, or not at all",
        arguments: [
            ("md5", "prefix", "c91e85973ceee05f005996584f067a72"),
            ("md5", "suffix", "b8fe9a6d76f4fa94adda07a7833e6402"),
            ("md5", "disable", "4c9184f37cff01bcdc32dc486ec36961"),
            ("sha", "prefix", "54625c8c5d22e86e9a3d2732bf48d0f43d343366"),
            ("sha", "suffix", "43e71834067d59d83ae934bb80670178b810b9be"),
            ("sha", "disable", "61c9b2b17db77a27841bbeeabff923448b0f6388"),
            ("sha256", "prefix", "f2ef7f9aedb2c3b5040bc16691a1177758a92ad91e1ee77770215a332bf6099f"),
            ("sha256", "suffix", "f4a8615be301fbaf6213df33cfe5f22953aafc0c31beb8f2daef55b127444d27"),
            ("sha256", "disable", "efa1f375d76194fa51a3556a97e641e61685f914d446979da50a551a4333ffd7"),
            (
                "sha512", "prefix",
                "82112846414ba6fd95be5ac402188c3a7cf1a178485e937fded30f9e398c94094d2d742a41dd0982febd36484be12f19"
                    + "d3cf9130fe2d903d61b5c7ae9a327185"
            ),
            (
                "sha512", "suffix",
                "7ffaf674fc0b94835d6cdba9f3e80b7d7dc8efe5fe7cfe9f01d38d309718cef339fc3014fb007d2133d65d6fea8e9048"
                    + "17670aeb69ca47a74554804c15e1bd4f"
            ),
            (
                "sha512", "disable",
                "d32997e9747b65a3ecf65b82533a4c843c4e16dd30cf371e8c81ab60a341de00051da422d41ff29c55695f233a1e06fa"
                    + "c8b79aeb0a4d91ae5d3d18c8e09b8c73"
            ),
        ]
    )
    func digests(_ name: String, _ position: String, _ hash: String) throws {
        let algorithm = try algorithm(name, position)
        #expect(!algorithm.isSlow)
        for text in [hash, hash.uppercased()] {
            let stored = try credential(algorithm, text)
            #expect(algorithm.accepts(password, stored))
            #expect(!algorithm.accepts(wrong, stored))
            #expect(!algorithm.accepts([], stored))
        }
    }

    @Test("plain compares the text, salt and all, and minds its case")
    func plain() throws {
        let prefix = try algorithm("plain")
        #expect(prefix.accepts(password, try credential(prefix, "saltpublic")))
        #expect(!prefix.accepts(password, try credential(prefix, "saltPublic")))
        #expect(!prefix.accepts(password, try credential(prefix, "public")))
        let suffix = try algorithm("plain", "suffix")
        #expect(suffix.accepts(password, try credential(suffix, "publicsalt")))
        let none = try algorithm("plain", "disable")
        #expect(none.accepts(password, try credential(none, "public")))
        #expect(!none.accepts(password, try credential(none, "publicx")))
    }

    @Test(
        "pbkdf2 with each mac_fun",
        arguments: [
            ("md4", "1742449931cf5788c03b79bcb43e0de3"),
            ("md5", "94fbc777377f1b8fc221580bfaa82650"),
            ("ripemd160", "dd5c70c645d038c3daf2a89c2383dbf68f225636"),
            ("sha", "f67ae9572c90d4f194d4be093a31f8c2d0e8accb"),
            ("sha224", "440c063c7c0d945982654740d4d65da68df19dac1424297091c84282"),
            ("sha256", "5a21f11c597da1447641c0a5ba58b856a76f1084f674285a5d18776a58a0a32f"),
            (
                "sha384",
                "b54238180a44d6640882fb63d21f558049eb0443a63d9d60d47648e05463ca90e48fbd9a76178750c3016b600f8c2343"
            ),
            (
                "sha512",
                "87d9624dd999b355e0bd606f6c22bd9a19e148ddae60e7263a1ae1d695f7f927650218621b5ae98739b250dcb7e2f455"
                    + "3b35f862e8f8b099ecaa6202c006f550"
            ),
        ]
    )
    func derivation(_ digest: String, _ hash: String) throws {
        let algorithm = try pbkdf2(digest)
        #expect(algorithm.isSlow)
        let stored = try credential(algorithm, hash)
        #expect(algorithm.accepts(password, stored))
        #expect(!algorithm.accepts(wrong, stored))
        #expect(!algorithm.accepts([], stored))
        #expect(!algorithm.accepts(password, try credential(algorithm, hash, "")))
    }

    @Test("pbkdf2 of another length")
    func derivedLength() throws {
        let algorithm = try pbkdf2("sha256", length: 8)
        #expect(algorithm.accepts(password, try credential(algorithm, "5a21f11c597da144")))
        #expect(throws: (any Error).self) { try credential(algorithm, "5a21f11c597da14476") }
    }

    @Test("bcrypt, and its refusal of a NUL, which would hide the rest of the password")
    func bcrypt() throws {
        let algorithm = try algorithm("bcrypt")
        #expect(algorithm.isSlow)
        let stored = try credential(algorithm, "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "")
        #expect(algorithm.accepts(Array("secret".utf8), stored))
        #expect(!algorithm.accepts(Array("Secret".utf8), stored))
        #expect(!algorithm.accepts(Array("secret\0x".utf8), stored))
    }

    @Test(
        "A hash that could never match is refused",
        arguments: [
            ("sha256", "abc"), ("sha256", "zz"), ("md5", "efa1f375d76194fa51a3556a97e641e61685f914"),
            ("bcrypt", "$2b$10$short"),
            ("bcrypt", "$6$bcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrWxxxxx"),
        ]
    )
    func impossible(_ name: String, _ hash: String) throws {
        let algorithm = try algorithm(name)
        #expect(throws: (any Error).self) { try credential(algorithm, hash) }
    }

    @Test(
        "Settings that cannot work are refused",
        arguments: [
            AlgorithmSettings(name: "md6"), AlgorithmSettings(name: "sha224"),
            AlgorithmSettings(salt_position: "middle"),
            AlgorithmSettings(name: "pbkdf2"), AlgorithmSettings(name: "pbkdf2", mac_fun: "sha3", iterations: 1),
            AlgorithmSettings(name: "pbkdf2", mac_fun: "sha256"),
            AlgorithmSettings(name: "pbkdf2", mac_fun: "sha256", iterations: 0),
            AlgorithmSettings(name: "pbkdf2", mac_fun: "sha256", iterations: 1, dk_length: 0),
        ]
    )
    func impossibleSettings(_ settings: AlgorithmSettings) {
        #expect(throws: (any Error).self) { try Algorithm(settings) }
    }

    @Test(
        "Passwords of a plain file are salted, each row with a salt of its own",
        arguments: ["plain", "md5", "sha256", "sha512"]
    )
    func made(_ name: String) throws {
        let algorithm = try algorithm(name)
        let first = try #require(algorithm.credential(password: password, isSuperuser: true))
        let second = try #require(algorithm.credential(password: password, isSuperuser: true))
        #expect(first.secret != second.secret)
        #expect(first.isSuperuser)
        #expect(algorithm.accepts(password, first))
        #expect(!algorithm.accepts(wrong, first))
    }
}
