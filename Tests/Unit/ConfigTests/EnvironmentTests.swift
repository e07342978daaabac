// SPDX-License-Identifier: Apache-2.0
// Environment variables over files.

import Config
import Testing

struct EnvironmentTests {
    private let schema: Schema

    init() throws {
        schema = try Schema([
            Setting("cluster.name", .string, fallback: "isthmus", doc: "Name."),
            Setting("cluster.links[].name", .string, doc: "Name."),
            Setting("cluster.links[].port", .int, fallback: "1883", doc: "Port."),
            Setting("listeners.tcp.*.bind", .int, doc: "Port."),
            Setting("plugin.maxSize", .int, fallback: "1", doc: "Size."),
            Setting("extra", .optional(.any), doc: "Anything."),
        ])
    }

    private func load(_ text: String, _ environment: [(name: String, value: String)]) throws -> ConfigSource {
        let source = ConfigSource(name: "t.conf")
        try source.add(text: text, file: "t.conf")
        try source.add(environment: environment, schema: schema)
        return source
    }

    @Test
    func variablesOverrideFilesWhateverTheirCase() throws {
        let source = try load(
            "cluster.name = a\nlisteners.tcp.MyPort.bind = 1",
            [
                ("ISTHMUS_CLUSTER__NAME", "b"), ("ISTHMUS_listeners__TCP__myport__Bind", "1883"),
                ("ISTHMUS_LISTENERS__TCP__NEW__BIND", "1884"), ("ISTHMUS_PLUGIN__MAXSIZE", "5"),
                ("ISTHMUS_EXTRA__A__B", "x"), ("HOME", "/root"), ("isthmus_cluster__name", "c"),
            ]
        )
        let (value, errors) = schema.validate(try source.value())
        #expect(errors.isEmpty)
        #expect(source.warnings.isEmpty)
        #expect(
            value.json == #"{"cluster":{"name":"b","links":[]},"listeners":{"tcp":{"MyPort":{"bind":1883},"#
                + #""new":{"bind":1884}}},"extra":{"a":{"b":"x"}},"plugin":{"maxSize":5}}"#
        )
        #expect(value.lookup("cluster.name")?.origin.description == "$ISTHMUS_CLUSTER__NAME:1:1")
    }

    @Test
    func valuesAreHOCON() throws {
        let source = try load(
            "cluster.name = a\ncluster.links = [{ name = x }]",
            [
                ("ISTHMUS_CLUSTER__LINKS", #"[{name = "eu", port = 1}, {name = ${cluster.name}"-2"}]"#),
                ("ISTHMUS_CLUSTER__NAME", ""),
            ]
        )
        #expect(try source.value().json == #"{"cluster":{"name":"","links":[{"name":"eu","port":1},{"name":"-2"}]}}"#)
    }

    @Test
    func anIndexNamesAnElementThatIsThere() throws {
        let source = try load("cluster.links = [{ name = x }]", [("ISTHMUS_CLUSTER__LINKS__1__PORT", "7")])
        #expect(try source.value().json == #"{"cluster":{"links":[{"name":"x","port":7}]}}"#)
    }

    @Test
    func includesWorkInVariables() throws {
        try Files.withDirectory(["links.conf": "name = from-file\n"]) { directory in
            let source = try load("", [("ISTHMUS_CLUSTER", "{include required(\"\(directory)/links.conf\")}")])
            #expect(try source.value().string(at: "cluster.name") == "from-file")
        }
    }

    @Test
    func unknownNamesAreIgnoredWithAWarning() throws {
        let source = try load(
            "",
            [
                ("ISTHMUS_VERSION", "1:2=3"), ("ISTHMUS_CLUSTER__NAMES", "x"), ("ISTHMUS_CLUSTER____NAME", "x"),
                ("ISTHMUS_CLUSTER__NAME__X", "x"),
            ]
        )
        #expect(try source.value().json == "{}")
        #expect(
            source.warnings.map(\.description) == [
                "$ISTHMUS_CLUSTER__NAMES: the variable is ignored: there is no key \"names\" in cluster",
                "$ISTHMUS_CLUSTER__NAME__X: the variable is ignored: there is no key \"x\" in cluster.name",
                "$ISTHMUS_CLUSTER____NAME: the variable is ignored: its name has an empty part",
                "$ISTHMUS_VERSION: the variable is ignored: there is no key \"version\"",
            ]
        )
    }

    /// Texts that are no HOCON, or of which HOCON would take the end for a comment.
    @Test(arguments: [
        "0.0.0.0:1883", "pa$$w0rd", "a+b/c==", "file:///run/secret", "a/+/b", "a:b", "a, b", "pass#word", "x//y",
        "[::]:1883", "{a", "a]", "\"half", "#", "back\\slash",
    ])
    func whatIsNotHOCONIsRawText(_ text: String) throws {
        let source = try load(
            "cluster.links = [{ name = x }]",
            [("ISTHMUS_CLUSTER__NAME", text), ("ISTHMUS_CLUSTER__LINKS__1__NAME", text)]
        )
        let value = try source.value()
        #expect(value.string(at: "cluster.name") == text)
        #expect(value.lookup("cluster.name")?.origin.description == "$ISTHMUS_CLUSTER__NAME:1:1")
        #expect(source.warnings.isEmpty)
    }

    @Test
    func rawTextIsNotSubstitutedForWhatHasToBeAnObjectOrAnArray() throws {
        for text in ["a:b", "{name = [}", "a, b"] {
            let error = #expect(throws: ConfigError.self) { _ = try load("", [("ISTHMUS_CLUSTER", text)]) }
            #expect(error?.origin.file == "$ISTHMUS_CLUSTER", "\(text)")
        }
        let error = #expect(throws: ConfigError.self) { _ = try load("", [("ISTHMUS_EXTRA", "{ a = [ }")]) }
        #expect(error?.description.hasPrefix("$ISTHMUS_EXTRA:1:9: ") == true, "\(String(describing: error))")
        #expect(try load("", [("ISTHMUS_EXTRA", "a:b")]).value().string(at: "extra") == "a:b")
    }

    @Test
    func wrongValuesNameTheVariable() throws {
        let source = try load("", [("ISTHMUS_LISTENERS__TCP__A__BIND", "a:b")])
        #expect(
            schema.validate(try source.value()).errors.map(\.origin.description) == [
                "$ISTHMUS_LISTENERS__TCP__A__BIND:1:1"
            ]
        )
    }

    @Test
    func aCommentThatCutsAnObjectIsWarnedOf() throws {
        let source = try load("", [("ISTHMUS_CLUSTER", "{ name = pass#word\n}")])
        #expect(try source.value().string(at: "cluster.name") == "pass")
        #expect(source.warnings.first?.message.hasPrefix("\"#\" or \"//\" starts a comment") == true)
    }

    @Test
    func anotherPrefixAnswersWhatItUsed() throws {
        let source = ConfigSource(name: "t.conf")
        let variables = [
            (name: "EMQX_CLUSTER__NAME", value: "a"), (name: "EMQX_PLUGIN__MAXSIZE", value: "7"),
            (name: "EMQX_NOTHING", value: "x"), (name: "ISTHMUS_CLUSTER__NAME", value: "b"),
        ]
        let used = try source.add(environment: variables, prefix: "EMQX_", schema: schema)
        #expect(used == ["EMQX_CLUSTER__NAME", "EMQX_PLUGIN__MAXSIZE"])
        try source.add(environment: variables, schema: schema)
        #expect(try source.value().string(at: "cluster.name") == "b")
        #expect(try source.value().int(at: "plugin.maxSize") == 7)
    }
}
