// SPDX-License-Identifier: Apache-2.0
// Places of values and keys, layers of sources, includes on disk, limits.

import Config
import Testing

struct SourceTests {
    @Test
    func valuesAndKeysKnowTheirPlaces() throws {
        let value = try ConfigSource.parse("a = 1\n  grüße.b = [x,\n {c = \"y\"}]\n", file: "t.conf")
        #expect(value.lookup("a")?.origin == Origin(file: "t.conf", line: 1, column: 5))
        #expect(value.lookup("grüße.b[1].c")?.origin.description == "t.conf:3:7")
        #expect(value.object(at: "grüße")?.field("b")?.keyOrigin.description == "t.conf:2:3")
        #expect(value.object(at: "grüße.b[1]")?.field("c")?.keyOrigin.description == "t.conf:3:3")
    }

    @Test
    func fieldsKeepTheirOrder() throws {
        let value = try ConfigSource.parse("z = 1, a { y = 1, b = 2 }, m = 3, a.a = 4, z = 5", file: "t")
        #expect(value.json == #"{"z":5,"a":{"y":1,"b":2,"a":4},"m":3}"#)
    }

    @Test
    func laterSourcesWinAndAreSeenByEarlierSubstitutions() throws {
        let source = ConfigSource(name: "main")
        try source.add(text: "name = one, copy = ${name}, o { x = 1 }", file: "main")
        try source.add(text: "name = two, o.y = ${o.x}", file: "overrides")
        let value = try source.value()
        #expect(value.json == #"{"name":"two","copy":"two","o":{"x":1,"y":1}}"#)
        #expect(value.lookup("name")?.origin.file == "overrides")
    }

    @Test
    func lookupTakesQuotedKeysAndRefusesNonsense() throws {
        let value = try ConfigSource.parse(#"a."b.c" = 1, l = [[x], y]"#, file: "t")
        #expect(value.int(at: #"a."b.c""#) == 1)
        #expect(value.string(at: "l[0][0]") == "x")
        #expect(value.string(at: "l[1]") == "y")
        for path in ["a.", ".a", "a..b", "l[", "l[-1]", "l[x]", "l[9]", "l[0]x", "a.\"b", "l.0", "nope"] {
            #expect(value.lookup(path) == nil, "\(path)")
        }
        #expect(value.lookup("") == value)
    }

    @Test
    func numbersReadAsTheirKind() throws {
        let value = try ConfigSource.parse("a = 1.0, b = 1e3, c = 1.5, d = 99999999999999999999, e = 1e999", file: "t")
        #expect(value.int(at: "a") == 1)
        #expect(value.int(at: "b") == 1_000)
        #expect(value.int(at: "c") == nil)
        #expect(value.double(at: "c") == 1.5)
        #expect(value.int(at: "d") == nil)
        #expect(value.double(at: "e") == nil)
    }

    @Test
    func jsonEscapesWhatJSONMust() throws {
        let value = try ConfigSource.parse(#"a = "\"\\\u0001\n\u001f é/""#, file: "t")
        #expect(value.json == #"{"a":"\"\\\u0001\n\u001f é/"}"#)
    }

    @Test
    func includesAreRelativeToTheIncludingFile() throws {
        try Files.withDirectory([
            "main.conf": "include \"sub/one.conf\"\ninclude \"absent.conf\"\nlast = ${two}\n",
            "sub/one.conf": "one = 1\ninclude required(\"two.conf\")\n",
            "sub/two.conf": "two = 2\n",
        ]) { directory in
            let source = ConfigSource(name: "main")
            try source.add(file: "\(directory)/main.conf")
            let value = try source.value()
            #expect(value.json == #"{"one":1,"two":2,"last":2}"#)
            #expect(value.lookup("two")?.origin.description == "\(directory)/sub/two.conf:1:7")
            #expect(
                source.warnings.map(\.description) == [
                    "\(directory)/main.conf:2:1: the file \"\(directory)/absent.conf\" does not exist and was not included"
                ]
            )
        }
    }

    @Test
    func anIncludeLoopIsFoundUnderAnyName() throws {
        try Files.withDirectory([
            "a.conf": "include \"sub/../sub/b.conf\"\n",
            "sub/b.conf": "x = 1\ninclude \"../a.conf\"\n",
        ]) { directory in
            let error = #expect(throws: ConfigError.self) { _ = try ConfigSource.load("\(directory)/a.conf") }
            #expect(error?.origin.description == "\(directory)/sub/../sub/b.conf:2:1")
            #expect(error?.message.contains("includes itself") == true)
        }
    }

    @Test
    func aChainOfTooManyIncludesIsRefused() throws {
        var files = ["f40.conf": "x = 1"]
        for number in 0..<40 { files["f\(number).conf"] = "include \"f\(number + 1).conf\"" }
        try Files.withDirectory(files) { directory in
            let error = #expect(throws: ConfigError.self) { _ = try ConfigSource.load("\(directory)/f0.conf") }
            #expect(error?.message.hasPrefix("too many includes") == true)
        }
    }

    /// The file that the user names, and 16 files below it.
    @Test
    func includesMayBeExactlyAsDeepAsTheLimit() throws {
        func chain(_ last: Int) -> [String: String] {
            var files = ["f\(last).conf": "x = 1"]
            for number in 0..<last { files["f\(number).conf"] = "include \"f\(number + 1).conf\"" }
            return files
        }
        try Files.withDirectory(chain(16)) { directory in
            let value = try ConfigSource.load("\(directory)/f0.conf")
            #expect(value.int(at: "x") == 1)
        }
        try Files.withDirectory(chain(17)) { directory in
            let error = #expect(throws: ConfigError.self) { _ = try ConfigSource.load("\(directory)/f0.conf") }
            #expect(error?.origin.description == "\(directory)/f16.conf:1:1")
        }
    }

    @Test
    func includesMayBeExactlyAsManyAsTheLimit() throws {
        func text(_ count: Int) -> String { String(repeating: "include \"one.conf\"\n", count: count) }
        let files = ["most.conf": text(1_000), "more.conf": text(1_001), "one.conf": "x = 1"]
        try Files.withDirectory(files) { directory in
            let value = try ConfigSource.load("\(directory)/most.conf")
            #expect(value.int(at: "x") == 1)
            let error = #expect(throws: ConfigError.self) { _ = try ConfigSource.load("\(directory)/more.conf") }
            #expect(error?.origin.description == "\(directory)/more.conf:1001:1")
        }
    }

    /// What was assigned before a scalar is gone, also if the scalar is computed.
    @Test
    func objectsDoNotMergeThroughAScalar() throws {
        for scalar in ["5", "${s}", "${s}x", "x${s}", "[1]", "${l}", "${l}[2]"] {
            let text = "s = 7, l = [1], o { a = 1 }, o = \(scalar), o { b = 2 }, c = ${o}, d = ${?o.a}, e = ${o.b}"
            let value = try ConfigSource.parse(text, file: "t")
            #expect(value.lookup("o")?.json == #"{"b":2}"#, "\(scalar)")
            #expect(value.lookup("c")?.json == #"{"b":2}"#, "\(scalar)")
            #expect(value.lookup("d") == nil, "\(scalar)")
            #expect(value.int(at: "e") == 2, "\(scalar)")
        }
    }

    @Test
    func objectsMergeThroughWhatIsAnObjectOrNotSet() throws {
        for (between, merged) in [("${?nothing}", #"{"a":1,"b":2}"#), ("${p}", #"{"a":1,"p":3,"b":2}"#)] {
            let text = "p { p = 3 }, o { a = 1 }, o = \(between), o { b = 2 }, d = ${o.a}"
            let value = try ConfigSource.parse(text, file: "t")
            #expect(value.lookup("o")?.json == merged, "\(between)")
            #expect(value.int(at: "d") == 1, "\(between)")
        }
    }

    @Test
    func aMissingFileIsAnErrorOnlyIfRequired() throws {
        let source = ConfigSource(name: "main")
        try source.add(file: "/nonexistent/overrides.conf", required: false)
        let error = #expect(throws: ConfigError.self) { try source.add(file: "/nonexistent/main.conf") }
        #expect(error?.description == "/nonexistent/main.conf: the configuration file does not exist")
        #expect(try source.value().json == "{}")
    }

    @Test
    func nestingUpToTheLimitWorksEverywhere() throws {
        let deep = String(repeating: "{a=", count: 198) + "1" + String(repeating: "}", count: 198)
        let value = try ConfigSource.parse("x = \(deep)", file: "t")
        let schema = try Schema([Setting("x", .any, doc: "")])
        #expect(schema.validate(value).errors.isEmpty)
        #expect(value.json.utf8.count > 198 * 6)
    }

    @Test
    func longChainsOfSubstitutionsFailInsteadOfOverflowing() throws {
        let chain = (0..<5_000).map { "a\($0) = ${a\($0 + 1)}\n" }.joined() + "a5000 = 1\n"
        #expect(throws: ConfigError.self) { _ = try ConfigSource.parse(chain, file: "t") }
        let short = (0..<50).map { "a\($0) = ${a\($0 + 1)}\n" }.joined() + "a50 = 1\n"
        #expect(try ConfigSource.parse(short, file: "t").int(at: "a0") == 1)
    }

    @Test
    func textsBeyondTheSizeLimitAreRefused() {
        let source = ConfigSource(name: "big")
        let bytes = [UInt8](repeating: UInt8(ascii: " "), count: 16 << 20 + 1)
        let error = #expect(throws: ConfigError.self) { try source.add(bytes: bytes + bytes, file: "big") }
        #expect(error?.description == "big: the text is larger than 16 MB")
    }

    @Test
    func longKeysAreCutInMessages() throws {
        let key = String(repeating: "k", count: 100_000)
        let error = #expect(throws: ConfigError.self) { _ = try ConfigSource.parse("\(key)", file: "t") }
        #expect(error.map { $0.message.utf8.count < 500 } == true)
        let (_, errors) = try Schema([]).validate(try ConfigSource.parse("\(key) = {\(key) = 1}", file: "t"))
        #expect(errors.map { $0.message.utf8.count < 500 } == [true])
    }

    @Test
    func manyKeysAndRepeatedOverridesStayQuick() throws {
        var text = ""
        for number in 0..<20_000 { text += "section\(number % 50).key\(number) = value \(number)\n" }
        for number in 0..<20_000 { text += "same = \(number)\n" }
        let value = try ConfigSource.parse(text, file: "t")
        #expect(value.object()?.fields.count == 51)
        #expect(value.string(at: "section49.key19999") == "value 19999")
        #expect(value.int(at: "same") == 19_999)
    }
}
