// SPDX-License-Identifier: Apache-2.0
// The generated reference and example file.

import Config
import Testing

struct DocumentTests {
    private func schema() throws -> Schema {
        try Schema([
            Setting("cluster.name", .string, fallback: "isthmus", doc: "The name."),
            Setting("cluster.links[].server", .string, doc: "Where to | what.", reloadable: true, since: "1.1"),
            Setting("cluster.links[].password", .optional(.string), doc: "Password.", secret: true),
            Setting(
                "listeners.tcp.*.limit",
                .union([.int, .choice(["infinity"])]),
                fallback: "infinity",
                doc: "Limit.",
                minimum: 1,
                maximum: 9
            ),
        ])
    }

    @Test
    func theReferenceHasOneTableForEachRoot() throws {
        #expect(
            try schema().markdown() == """
                ## cluster

                | Key | Type | Default | Meaning |
                | --- | --- | --- | --- |
                | `cluster.name` | `string` | `isthmus` | The name. |
                | `cluster.links[].server` | `string` | required | Where to \\| what. Takes effect on reload. Since 1.1. |
                | `cluster.links[].password` | `string?` | none | Password. Secret: never logged or shown. |

                ## listeners

                | Key | Type | Default | Meaning |
                | --- | --- | --- | --- |
                | `listeners.tcp.*.limit` | `int\\|enum(infinity)` | `infinity` | Limit. From 1 to 9. |

                """
        )
    }

    @Test
    func theExampleIsAConfigurationOnceUncommented() throws {
        let example = try schema().commentedExample()
        #expect(example.split(separator: "\n").allSatisfy { $0.hasPrefix("# ") || $0.hasPrefix("## ") })
        #expect(example.contains("#       server = # string, required\n"))
        #expect(try ConfigSource.parse(example, file: "t").json == "{}")
        let active = example.split(separator: "\n").map { $0.hasPrefix("## ") ? $0 : $0.dropFirst(2) }
            .joined(separator: "\n")
            .replacing("# string, required", with: "host")
            .replacing("# string?, optional", with: "secret")
        let (value, errors) = try schema().validate(try ConfigSource.parse(active, file: "t"))
        #expect(errors.isEmpty)
        #expect(
            value.json == #"{"cluster":{"name":"isthmus","links":[{"server":"host","password":"secret"}]},"#
                + #""listeners":{"tcp":{"NAME":{"limit":"infinity"}}}}"#
        )
    }
}
