// SPDX-License-Identifier: Apache-2.0
// Checking values against declared settings: every kind of mistake at its place, defaults at every level.

import Config
import Testing

struct SchemaTests {
    private func schema() throws -> Schema {
        try Schema(
            [
                Setting("cluster.name", .string, fallback: "isthmus", doc: "Name.", reloadable: false),
                Setting("cluster.links", .array(.object), fallback: "[]", doc: "Links.", reloadable: true),
                Setting("cluster.links[].name", .string, doc: "Name."),
                Setting("cluster.links[].enable", .bool, fallback: "true", doc: "Enable."),
                Setting("cluster.links[].password", .optional(.string), doc: "Password.", secret: true),
                Setting("cluster.links[].pin", .optional(.int), doc: "Pin.", secret: true),
                Setting("cluster.links[].topics", .array(.string), doc: "Topics."),
                Setting("cluster.links[].pool_size", .int, fallback: "8", doc: "Pool.", minimum: 1, maximum: 64),
                Setting("cluster.links[].retry_interval", .duration, fallback: "15s", doc: "Retry."),
                Setting("cluster.links[].ssl.enable", .bool, fallback: "false", doc: "TLS."),
                Setting("listeners.tcp.*.bind", .union([.int, .string]), doc: "Port."),
                Setting(
                    "listeners.tcp.*.max_connections",
                    .union([.int, .choice(["infinity"])]),
                    fallback: "infinity",
                    doc: "Connections."
                ),
                Setting("mqtt.max_packet_size", .bytesize, fallback: "1MB", doc: "Size.", maximum: 268_435_456),
                Setting("closed", .object, doc: "Nothing."),
                Setting("plugins[].name", .string, doc: "Name."),
                Setting("plugins[].config", .optional(.any), doc: "Options."),
                Setting("tls", .optional(.object), doc: "TLS."),
                Setting("tls.cert", .string, doc: "File."),
            ],
            knownRoots: ["authentication": "PasswordAuth"]
        )
    }

    private func check(_ text: String) throws -> (json: String, errors: [String]) {
        let (value, errors) = try schema().validate(try ConfigSource.parse(text, file: "etc/isthmus.conf"))
        return (value.json, errors.map(\.description))
    }

    @Test
    func defaultsAreFilledInAtEveryLevel() throws {
        let (json, errors) = try check(
            """
            cluster.links = [{ name = eu, topics = ["#"] }]
            listeners.tcp.default.bind = 1883
            plugins = [{ name = Hello, config { deep { er = [1, {}] } } }]
            """
        )
        #expect(errors == [])
        #expect(
            json == ##"{"cluster":{"links":[{"name":"eu","topics":["#"],"enable":true,"pool_size":8,"##
                + #""retry_interval":15000,"ssl":{"enable":false}}],"name":"isthmus"},"#
                + #""listeners":{"tcp":{"default":{"bind":1883,"max_connections":"infinity"}}},"#
                + #""plugins":[{"name":"Hello","config":{"deep":{"er":[1,{}]}}}],"#
                + #""mqtt":{"max_packet_size":1048576},"closed":{}}"#
        )
    }

    @Test
    func defaultsSayThatNobodyWroteThem() throws {
        let (value, _) = try schema().validate(try ConfigSource.parse("mqtt {}", file: "t"))
        #expect(value.lookup("cluster.name")?.origin.description == "default")
        #expect(value.lookup("mqtt.max_packet_size")?.origin.isFallback == true)
        #expect(value.lookup("mqtt")?.origin.isFallback == false)
    }

    @Test
    func allErrorsComeAtOnceEachAtItsPlace() throws {
        let (_, errors) = try check(
            """
            lisners { }
            cluster {
              nam = x
              links = [
                { name = eu, topics = "#", pool_size = 0, retry_interval = soon }
                { topics = [], ssl { enable = maybe, cert = x } }
              ]
            }
            listeners.tcp.default { bind = [1], max_connections = many }
            mqtt.max_packet_size = 1Gb
            closed.x = 1
            """
        )
        #expect(
            errors == [
                #"etc/isthmus.conf:1:1: unknown key "lisners"; did you mean "listeners"?"#,
                #"etc/isthmus.conf:3:3: unknown key "nam" in cluster; did you mean "name"?"#,
                #"etc/isthmus.conf:5:27: cluster.links[0].topics must be an array [ … ], not the string "#
                    + ##""#""##,
                #"etc/isthmus.conf:5:44: cluster.links[0].pool_size must be a whole number, from 1 to 64, not 0"#,
                #"etc/isthmus.conf:5:64: cluster.links[0].retry_interval must be a duration such as 15s, 1h30m or a number "#
                    + #"of milliseconds, not the string "soon""#,
                #"etc/isthmus.conf:6:35: cluster.links[1].ssl.enable must be true or false, not the string "maybe""#,
                #"etc/isthmus.conf:6:42: unknown key "cert" in cluster.links[1].ssl; known here: enable"#,
                #"etc/isthmus.conf:6:5: missing required key "cluster.links[1].name": a string"#,
                #"etc/isthmus.conf:9:32: listeners.tcp.default.bind must be a whole number or a string, not an array"#,
                #"etc/isthmus.conf:9:55: listeners.tcp.default.max_connections must be a whole number or infinity, not the "#
                    + #"string "many""#,
                #"etc/isthmus.conf:10:24: mqtt.max_packet_size must be a size such as 64KB, 1MB or a number of bytes, "#
                    + #"at most 268435456, not the string "1Gb""#,
                #"etc/isthmus.conf:11:1: unknown key "x" in closed; no keys are known here"#,
            ]
        )
    }

    @Test
    func aRootOfAPluginThatIsNotLoadedIsNamed() throws {
        #expect(
            try check("\nauthentication = []").errors == [
                "etc/isthmus.conf:2:1: the root \"authentication\" belongs to the plugin PasswordAuth, which is not in "
                    + "plugins; add { name = \"PasswordAuth\" } or remove it"
            ]
        )
    }

    @Test
    func secretsAreNotShown() throws {
        let text = "cluster.links = [{ name = a, topics = [], pin = hunter2 }]"
        #expect(
            try check(text).errors == [
                "etc/isthmus.conf:1:49: cluster.links[0].pin must be a whole number, not a string"
            ]
        )
        let schema = try schema()
        let (value, _) = schema.validate(
            try ConfigSource.parse("cluster.links = [{ name = a, topics = [], password = hunter2 }]", file: "t")
        )
        #expect(value.string(at: "cluster.links[0].password") == "hunter2")
        #expect(!schema.redacted(value).json.contains("hunter2"))
        #expect(schema.redacted(value).string(at: "cluster.links[0].name") == "a")
    }

    @Test
    func optionalObjectsStayAbsentButAreCheckedWhenThere() throws {
        #expect(try !check("").json.contains("tls"))
        #expect(try check("tls {}").errors == ["etc/isthmus.conf:1:5: missing required key \"tls.cert\": a string"])
        #expect(try check("tls.cert = x").errors == [])
    }

    @Test
    func nullCountsAsAbsent() throws {
        let (json, errors) = try check("cluster.name = null, mqtt = null, cluster.links = [null]")
        #expect(json.contains(#""name":"isthmus""#))
        #expect(json.contains(#""mqtt":{"max_packet_size":1048576}"#))
        #expect(errors == ["etc/isthmus.conf:1:52: cluster.links[0] must not be null; remove the element"])
    }

    @Test
    func anObjectOfIndexesIsAnArray() throws {
        let (json, errors) = try check("plugins { 2.name = b, 1.name = a }")
        #expect(errors == [])
        #expect(json.contains(#""plugins":[{"name":"a"},{"name":"b"}]"#))
        #expect(
            try check("plugins { 1.name = a, 3.name = b }").errors == [
                "etc/isthmus.conf:1:9: plugins must be an array [ … ], not an object"
            ]
        )
    }

    @Test
    func anEmptyObjectIsNoArray() throws {
        #expect(try check("plugins {}").errors.count == 1)
    }

    @Test
    func aRequiredKeyOfAnAbsentObjectIsMissedAtTheNearestWrittenOne() throws {
        let schema = try Schema([Setting("a.b.c", .int, doc: "")])
        let value = try ConfigSource.parse("\na { }", file: "t")
        #expect(
            schema.validate(value).errors.map(\.description) == [
                "t:2:3: missing required key \"a.b.c\": a whole number"
            ]
        )
        let empty = try ConfigSource.parse("", file: "t")
        #expect(
            schema.validate(empty).errors.map(\.description) == [
                "t:1:1: missing required key \"a.b.c\": a whole number"
            ]
        )
    }

    @Test
    func aPartCanBeCheckedOnItsOwn() throws {
        let schema = try Schema([Setting("greeting", .int, doc: "")])
        let value = try ConfigSource.parse("plugins = [{ config { greeting = hi, x = 1 } }]", file: "t")
        let block = try #require(value.lookup("plugins[0].config"))
        #expect(
            schema.validate(block, under: "plugins[0].config").errors.map(\.message) == [
                "plugins[0].config.greeting must be a whole number, not the string \"hi\"",
                "unknown key \"x\" in plugins[0].config; known here: greeting",
            ]
        )
    }

    @Test
    func contradictoryDeclarationsAreRefused() throws {
        func message(_ settings: Setting...) -> String? {
            #expect(throws: ConfigError.self) { _ = try Schema(settings) }?.description
        }
        #expect(
            message(Setting("a", .int, doc: ""), Setting("a", .string, doc: ""))
                == "setting \"a\": the key is declared twice, with different types or defaults"
        )
        #expect(
            message(Setting("a", .int, doc: ""), Setting("a.b", .string, doc: ""))
                == "setting \"a.b\": the key lies below one that is declared as int"
        )
        #expect(message(Setting("a[].b", .int, doc: ""), Setting("a.b", .int, doc: ""))?.contains("both") == true)
        #expect(
            message(Setting("a", .int, fallback: "x", doc: ""))
                == "setting \"a\": the default does not fit: a must be a whole number, not the string \"x\""
        )
        #expect(message(Setting("a", .int, fallback: "{", doc: ""))?.hasPrefix("setting \"a\":1:1: ") == true)
        for path in ["", "a..b", "a.", "[]", "a[].", "a b", "a[x]"] {
            #expect(message(Setting(path, .int, doc: "")) != nil, "\(path)")
        }
        #expect(throws: Never.self) { _ = try Schema([Setting("a", .int, doc: ""), Setting("a", .int, doc: "")]) }
    }

    @Test
    func settingsAddedLaterAreAsThoseDeclaredAtOnce() throws {
        let first = [
            Setting("a.list", .array(.object), fallback: "[{}]", doc: "List."),
            Setting("a.size", .int, fallback: "8", doc: "Size.", minimum: 1),
        ]
        let later = [
            Setting("a.list[].name", .string, fallback: "n", doc: "Name."),
            Setting("b.size", .int, fallback: "8", doc: "Size."),
            first[1],
        ]
        let schema = try Schema(first).adding(later)
        #expect(schema.markdown() == (try Schema(first + later)).markdown())
        let value = try ConfigSource.parse("a.size = 0, b.c = 1", file: "t")
        #expect(schema.validate(value).errors == (try Schema(first + later)).validate(value).errors)
        #expect(
            schema.validate(try ConfigSource.parse("", file: "t")).value.json
                == #"{"a":{"list":[{"name":"n"}],"size":8},"b":{"size":8}}"#
        )
        func message(_ setting: Setting) throws -> String? {
            let schema = try Schema(first)
            return #expect(throws: ConfigError.self) { _ = try schema.adding([setting]) }?.description
        }
        #expect(
            try message(Setting("a.list[].key", .string, doc: "Key."))
                == "setting \"a.list\": the default does not fit: missing required key \"a.list[0].key\": a string"
        )
        #expect(
            try message(Setting("a.size.b", .int, doc: ""))
                == "setting \"a.size.b\": the key lies below one that is declared as int"
        )
        #expect(
            try message(Setting("a.size", .string, doc: ""))
                == "setting \"a.size\": the key is declared twice, with different types or defaults"
        )
    }

    @Test
    func oneRootIsCheckedByItself() throws {
        let schema = try schema()
        let value = try ConfigSource.parse("cluster.nme = a, listeners = 1, mqtt.max_packet_size = 2KB", file: "t")
        #expect(schema.validate(value, at: "mqtt").value?.json == #"{"max_packet_size":2048}"#)
        #expect(schema.validate(value, at: "mqtt").errors.isEmpty)
        #expect(schema.validate(value, at: "plugins").value?.json == "[]")
        #expect(schema.validate(value, at: "cluster").errors.count == 1)
        #expect(schema.validate(value, at: "nothing").value == nil)
    }

    @Test
    func changesTellWhatAReloadCannotDo() throws {
        let schema = try schema()
        func checked(_ text: String) throws -> Value {
            schema.validate(try ConfigSource.parse(text, file: "t")).value
        }
        let old = try checked("cluster { name = a, links = [{ name = x, topics = [] }] }\nmqtt.max_packet_size = 1MB")
        let new = try checked(
            "mqtt.max_packet_size = 1024KB\ncluster { name = b, links = [{ name = y, topics = [] }] }"
        )
        #expect(
            schema.changes(from: old, to: new) == [
                Change(path: "cluster.name", origin: Origin(file: "t", line: 2, column: 18), reloadable: false),
                Change(path: "cluster.links[0].name", origin: Origin(file: "t", line: 2, column: 39), reloadable: true),
            ]
        )
        #expect(schema.changes(from: old, to: old).isEmpty)
        #expect(schema.changes(from: old, to: try checked("cluster.name = a")).map(\.path) == ["cluster.links"])
    }

    @Test
    func theLinkConfigurationPassesATypicalSchema() throws {
        let schema = try Schema([
            Setting("cluster.name", .string, fallback: "isthmus", doc: ""),
            Setting("cluster.links[].name", .string, doc: ""),
            Setting("cluster.links[].server", .string, doc: ""),
            Setting("cluster.links[].clientid", .optional(.string), doc: ""),
            Setting("cluster.links[].username", .optional(.string), doc: ""),
            Setting("cluster.links[].password", .optional(.string), doc: "", secret: true),
            Setting("cluster.links[].topics", .array(.string), doc: ""),
            Setting("cluster.links[].resource_opts.health_check_timeout", .duration, fallback: "60s", doc: ""),
            Setting("listeners.tcp.*.bind", .union([.int, .string]), doc: ""),
            Setting("listeners.tcp.*.enable", .bool, fallback: "true", doc: ""),
            Setting("plugins[].name", .string, doc: ""),
            Setting("plugins[].path", .optional(.string), doc: ""),
            Setting("plugins[].config", .optional(.any), doc: ""),
            Setting("authentication[].mechanism", .choice(["password_based"]), doc: ""),
            Setting("authentication[].backend", .choice(["built_in_database"]), doc: ""),
            Setting("authentication[].user_id_type", .choice(["username", "clientid"]), fallback: "username", doc: ""),
            Setting("authentication[].password_hash_algorithm.name", .string, fallback: "sha256", doc: ""),
            Setting("authentication[].password_hash_algorithm.salt_position", .string, fallback: "prefix", doc: ""),
            Setting("authentication[].bootstrap_file", .string, doc: ""),
            Setting("authentication[].bootstrap_type", .choice(["plain", "hash"]), fallback: "plain", doc: ""),
            Setting("authorization.sources[].type", .choice(["file"]), doc: ""),
            Setting("authorization.sources[].enable", .bool, fallback: "true", doc: ""),
            Setting("authorization.sources[].path", .string, doc: ""),
            Setting("authorization.no_match", .choice(["allow", "deny"]), fallback: "deny", doc: ""),
            Setting("authorization.deny_action", .choice(["ignore", "disconnect"]), fallback: "ignore", doc: ""),
        ])
        let path = "\(Files.repository)/Tests/Corpus/hocon/valid/mission-link.conf"
        let (value, errors) = schema.validate(try ConfigSource.load(path))
        #expect(errors.isEmpty)
        #expect(value.string(at: "cluster.links[0].password") == "clink-password-no-one-knows")
        #expect(value.int(at: "cluster.links[0].resource_opts.health_check_timeout") == 60_000)
        #expect(value.lookup("listeners.tcp.clink")?.json == #"{"bind":11883,"enable":true}"#)
        #expect(
            value.array(at: "plugins")?.compactMap { $0.string(at: "name") } == ["PasswordAuth", "FileACL", "Hello"]
        )
        #expect(value.string(at: "authorization.no_match") == "deny")
    }
}
