// SPDX-License-Identifier: Apache-2.0
// Bootstrap files: what is read from CSV and JSON, and the sentences for what cannot be.

import Testing

@testable import PasswordAuthUsers

private func table(_ text: String, _ name: String = "users.csv", _ type: BootstrapType = .plain) throws -> UserTable {
    let algorithm = try Algorithm(AlgorithmSettings(name: "plain", salt_position: "disable"))
    return try UserTable(algorithm, name: name, text: Array(text.utf8), type: type)
}

private func mistakes(_ text: String, _ name: String = "users.csv", _ type: BootstrapType = .plain) -> [String] {
    do {
        _ = try table(text, name, type)
        return []
    } catch let errors as UserFileErrors {
        return errors.sentences
    } catch {
        return ["\(error)"]
    }
}

extension UserTable {
    fileprivate func accepts(_ user: String, _ password: String) -> Bool {
        self[Array(user.utf8)].map { $0.algorithm.accepts(Array(password.utf8), $0) } ?? false
    }
}

@Suite struct UserFileTests {
    @Test("CSV: columns by name, quotes, empty cells, both line ends, blank lines")
    func csv() throws {
        let users = try table(
            "\u{feff}is_superuser,user_id,password\r\n"
                + "true,alice,secret\r\n\r\n"
                + ",\"b,ob\",\"say \"\"hi\"\"\"\n"
                + "false,carol,\"two\nlines\"\n"
                + "false,dave,mid\"dle"
        )
        #expect(users.count == 4)
        #expect(users.accepts("alice", "secret"))
        #expect(users[Array("alice".utf8)]?.isSuperuser == true)
        #expect(users.accepts("b,ob", "say \"hi\""))
        #expect(users[Array("b,ob".utf8)]?.isSuperuser == false)
        #expect(users.accepts("carol", "two\nlines"))
        #expect(users.accepts("dave", "mid\"dle"))
        #expect(users[Array("eve".utf8)] == nil)
    }

    @Test("CSV with hashes: salt and namespace may be empty or absent")
    func hashes() throws {
        let algorithm = try Algorithm(AlgorithmSettings(name: "sha256", salt_position: "suffix"))
        let text = """
            user_id,password_hash,salt,is_superuser,namespace
            alice,f4a8615be301fbaf6213df33cfe5f22953aafc0c31beb8f2daef55b127444d27,salt,true,
            bob,EFA1F375D76194FA51A3556A97E641E61685F914D446979DA50A551A4333FFD7,,,
            """
        let users = try UserTable(algorithm, name: "u.csv", text: Array(text.utf8), type: .hash)
        #expect(users.accepts("alice", "public"))
        #expect(!users.accepts("alice", "other"))
        #expect(users.accepts("bob", "public"))
    }

    @Test("JSON: is_superuser as boolean or as text")
    func json() throws {
        let users = try table(
            #"""
            [{"user_id": "alice", "password": "s\u00e9cret", "is_superuser": true},
             {"user_id": "bob", "password": "pw", "is_superuser": "true"},
             {"user_id": "carol", "password": "pw"}]
            """#,
            "users.json"
        )
        #expect(users.accepts("alice", "s\u{e9}cret"))
        #expect(users[Array("alice".utf8)]?.isSuperuser == true)
        #expect(users[Array("bob".utf8)]?.isSuperuser == true)
        #expect(users[Array("carol".utf8)]?.isSuperuser == false)
    }

    @Test(
        "Mistakes in CSV name the line",
        arguments: [
            ("", "users.csv: the file is empty: its first line names the columns."),
            ("user_id\na\n", "users.csv:1: the column password is missing."),
            (
                "user_id,pasword\na,b\n",
                "users.csv:1: there is no column \"pasword\" in a file of this type: use user_id, password, salt, "
                    + "is_superuser, namespace."
            ),
            ("user_id,password,user_id\n", "users.csv:1: the column user_id stands here twice."),
            ("user_id,password\na,b\nc\n", "users.csv:3: 1 cells, but the header names 2 columns."),
            ("user_id,password\n,b\n", "users.csv:2: the user_id is missing."),
            ("user_id,password\na,\n", "users.csv:2: the password is missing."),
            ("user_id,password\na,b\n\na,c\n", "users.csv:4: the user a is in line 2 already."),
            (
                "user_id,password\na,\"b\n",
                "users.csv:2: A quoted cell that begins on this line is not closed: add a \"."
            ),
            (
                "user_id,password\na,\"b\"c\n",
                "users.csv:2: Text follows the closing quote of a cell: write a quote inside as \"\"."
            ),
            ("user_id,password,is_superuser\na,b,yes\n", "users.csv:2: is_superuser is true, false or empty."),
            (
                "user_id,password,namespace\na,b,ns\n",
                "users.csv:2: users of a namespace are not supported: leave namespace empty."
            ),
            ("user_id,password\n\"a\nb\",c\nd\n", "users.csv:4: 1 cells, but the header names 2 columns."),
        ]
    )
    func badCSV(_ text: String, _ sentence: String) {
        #expect(mistakes(text).first == sentence)
    }

    @Test(
        "Mistakes in JSON name the entry",
        arguments: [
            ("{", "users.json: this is no array of users in JSON."),
            ("{}", "users.json: users are an array of objects."),
            ("[1]", "users.json, entry 1: users are an array of objects."),
            (#"[{"user_id": "a", "password": 7}]"#, "users.json, entry 1: password has a value of the wrong type."),
            (
                #"[{"user_id": "a", "password": "b"}, {"password": "b"}]"#,
                "users.json, entry 2: the user_id is missing."
            ),
            (#"[{"user_id": "a", "password_hash": "b"}]"#, "users.json, entry 1: the password is missing."),
            (
                #"[{"user_id": "a", "password": "b", "is_superuser": "yes"}]"#,
                "users.json, entry 1: is_superuser has a value of the wrong type."
            ),
            (
                #"[{"user_id": "a", "password": "b", "namespace": "n"}]"#,
                "users.json, entry 1: users of a namespace are not supported: leave namespace empty."
            ),
        ]
    )
    func badJSON(_ text: String, _ sentence: String) {
        #expect(mistakes(text, "users.json").first == sentence)
    }

    @Test("All mistakes of a file are named")
    func several() {
        #expect(mistakes("user_id,password\n,b\na\nc,d\ne,\n").count == 3)
    }

    /// Made by mosquitto_passwd 2.0.11.
    @Test("Files of mosquitto_passwd: each line says how its password was hashed")
    func mosquitto() throws {
        let ann =
            "$7$101$V4mR3lsLDB90Hth+$+/gZQlG4pIy53pvlQ/0XARbk01oA9M7b8BzF3FVTjjaapJEODTLMU7v/pTou223xJOdEEiU4PrfNhuMOkoR0pQ=="
        let bob =
            "$6$4nAqmJEQXtkcFlcC$UVqfQ+SWk/gGIlby1g3i/1ZwmHoJXuKGUdexYMOWtvzimhL+aXJlJuUEcI8yYUWLoVv0jUWR77XBB4GF6cS3gg=="
        let users = try table("# ours\nann:\(ann)\r\n\nbob:\(bob)\n", "passwd")
        #expect(users.count == 2)
        for user in ["ann", "bob"] {
            #expect(users.accepts(user, "secret") && !users.accepts(user, "Secret") && !users.accepts(user, ""))
            #expect(users[Array(user.utf8)]?.isSuperuser == false)
        }
        #expect(
            users[Array("ann".utf8)]?.algorithm.isSlow == true && users[Array("bob".utf8)]?.algorithm.isSlow == false
        )
    }

    @Test(
        "Lines of such a file that cannot be used are named",
        arguments: [
            ("ann", "this is no USER:HASH"), ("ann:secret", "the password is not hashed: run mosquitto_passwd -U"),
            ("ann:$6$abc", "neither $6$SALT$HASH nor"),
            ("ann:$7$x$YQ==$YQ==", "the iterations of the hash are no number"),
            ("ann:$6$YQ==$YQ==", "not base 64 of the right length"),
            ("ann:$6$?$YQ==", "not base 64 of the right length"),
            ("ann:$argon2id$v=19$m=65536,t=3,p=1$YQ$YQ", "argon2id is not supported"),
            (":$6$YQ==$YQ==", "the user_id is missing"),
            ("ann:$7$0$YQ==$" + String(repeating: "A", count: 86) + "==", "pbkdf2 needs iterations"),
        ]
    )
    func mosquittoMistakes(line: String, sentence: String) throws {
        let found = try #require(mistakes("# users\n\(line)\n", "passwd").first)
        #expect(found.hasPrefix("passwd:2: ") && found.contains(sentence), "\(found)")
    }

    @Test("Under a slow algorithm, plain rows are kept as salted SHA-256, and no file can change that for hashes")
    func slowPlain() throws {
        let bcrypt = try Algorithm(AlgorithmSettings(name: "bcrypt"))
        let users = try UserTable(bcrypt, name: "u.csv", text: Array("user_id,password\na,b\n".utf8), type: .plain)
        #expect(users[Array("a".utf8)]?.algorithm.isSlow == false)
        #expect(users.accepts("a", "b"))
        #expect(!users.accepts("a", "c"))
        let hash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
        let text = "user_id,password_hash\na,\(hash)\n"
        let hashed = try UserTable(bcrypt, name: "u.csv", text: Array(text.utf8), type: .hash)
        #expect(hashed[Array("a".utf8)]?.algorithm.isSlow == true)
        #expect(hashed.accepts("a", "secret"))
    }

    @Test("Cutting a file anywhere never crashes the reader")
    func truncations() {
        for (name, text) in [
            ("u.csv", "user_id,password,is_superuser\r\n\"a\"\"b\",c,true\r\n"),
            ("u.json", #"[{"user_id": "a", "password": "b", "is_superuser": "true"}]"#),
        ] {
            for length in 0..<text.utf8.count {
                _ = mistakes(String(decoding: Array(text.utf8.prefix(length)), as: UTF8.self), name)
            }
            #expect(mistakes(text, name).isEmpty)
        }
    }
}

@Suite struct CredentialCacheTests {
    private func credential(_ text: String) throws -> Credential {
        try Algorithm(AlgorithmSettings(name: "plain")).credential(hash: Array(text.utf8), salt: [], isSuperuser: false)
    }

    @Test("Remembers a credential, of this user, this password and this hash only")
    func remembers() throws {
        let cache = CredentialCache()
        let key = try #require(cache.key([1], [2], try credential("h")))
        #expect(!cache.contains(key))
        cache.insert(key)
        #expect(cache.contains(try #require(cache.key([1], [2], try credential("h")))))
        #expect(!cache.contains(try #require(cache.key([2], [2], try credential("h")))))
        #expect(!cache.contains(try #require(cache.key([1], [3], try credential("h")))))
        #expect(!cache.contains(try #require(cache.key([1], [2], try credential("i")))))
        #expect(!cache.contains(try #require(cache.key([1, 2], [], try credential("h")))))
        #expect(CredentialCache().key([1], [2], try credential("h")) != key)
    }

    @Test("Holds no more than its capacity; the oldest goes first")
    func bounded() throws {
        let cache = CredentialCache(capacity: 2)
        let keys = try [1, 2, 3, 4].map { try #require(cache.key([$0], [], try credential("h"))) }
        for key in keys.prefix(3) { cache.insert(key) }
        cache.insert(keys[2])
        #expect(keys.map { cache.contains($0) } == [false, true, true, false])
        cache.insert(keys[3])
        #expect(keys.map { cache.contains($0) } == [false, false, true, true])
    }
}
