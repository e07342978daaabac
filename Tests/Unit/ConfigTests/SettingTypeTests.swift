// SPDX-License-Identifier: Apache-2.0
// The text form of types, and what each type takes and refuses.

import Config
import Testing

struct SettingTypeTests {
    @Test(arguments: [
        ("string", SettingType.string), ("bool", .bool), ("int", .int), ("float", .float), ("duration", .duration),
        ("bytesize", .bytesize), ("percent", .percent), ("any", .any), ("object", .object), ("any[]", .array(.any)),
        ("object[]", .array(.object)), ("int[][]", .array(.array(.int))), ("int?", .optional(.int)),
        ("string[]?", .optional(.array(.string))), ("enum(a,b)", .choice(["a", "b"])),
        ("int|enum(infinity)", .union([.int, .choice(["infinity"])])),
        ("string|string[]?", .optional(.union([.string, .array(.string)]))),
    ])
    func typesHaveATextForm(text: String, type: SettingType) {
        #expect(SettingType(text: text) == type)
        #expect(type.description == text)
    }

    @Test
    func blanksBetweenWordsDoNotCount() {
        #expect(SettingType(text: "enum(a, b ,c)") == .choice(["a", "b", "c"]))
    }

    @Test(arguments: [
        "", "?", "strin", "String", "[]", "int[", "enum", "enum()", "enum(a,)", "enum(a", "enum(a))", "enum((a)",
        "int|",
        "|int", "int??", "int? []", "enum(a|b)", "int?[]",
    ])
    func nonsenseIsNoType(text: String) {
        #expect(SettingType(text: text) == nil)
        let error = #expect(throws: ConfigError.self) {
            _ = try Setting(path: "config.x", type: text, fallback: nil, doc: "")
        }
        #expect(error?.description.hasPrefix("setting \"config.x\": ") == true)
    }

    /// The checked JSON of `x = text`, or nil if it is refused.
    private func checked(_ type: String, _ text: String) throws -> String? {
        let schema = try Schema([try Setting(path: "x", type: type, fallback: nil, doc: "")])
        let (value, errors) = schema.validate(try ConfigSource.parse("x = \(text)", file: "t"))
        return errors.isEmpty ? value.lookup("x")?.json : nil
    }

    @Test(arguments: [
        ("0", 0), ("15", 15), ("\"15\"", 15), ("15s", 15_000), ("1h30m", 5_400_000), ("\"1h 30m\"", 5_400_000),
        ("1.5d", 129_600_000), ("10ms", 10), ("0.2ms", 1), ("1w", 604_800_000), ("1f", 1_209_600_000),
        ("2H", 7_200_000),
        ("1d2h3m4s5ms", 93_784_005), ("1s 1s", 2_000), ("8.2m", 492_000), ("1.001s", 1_001), ("0s", 0),
    ])
    func durations(text: String, milliseconds: Int) throws {
        #expect(try checked("duration", text) == "\(milliseconds)")
    }

    @Test(arguments: [
        "-1", "-1s", "s", "1x", "1.5", "1.", ".5s", "1s2", "\"\"", "\" \"", "1e3s", "infinity", "true", "[1]",
        "99999999999999f",
        "1..5s", "1y",
    ])
    func notDurations(text: String) throws {
        #expect(try checked("duration", text) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("1024", 1024), ("1b", 1), ("64KB", 65_536), ("64kb", 65_536), ("1MB", 1_048_576),
        ("2gb", 2_147_483_648),
    ])
    func sizes(text: String, bytes: Int) throws {
        #expect(try checked("bytesize", text) == "\(bytes)")
    }

    @Test(arguments: [
        "-1", "1Kb", "1kB", "1.5MB", "MB", "1TB", "1 MB", "99999999999GB", "9999999999999999999KB", "all",
    ])
    func notSizes(text: String) throws {
        #expect(try checked("bytesize", text) == nil)
    }

    @Test
    func theOtherTypes() throws {
        #expect(try checked("percent", "50%") == "0.5")
        #expect(try checked("percent", "0.25") == "0.25")
        #expect(try checked("percent", "101%") == nil)
        #expect(try checked("percent", "half") == nil)
        #expect(try checked("int", "1.0") == "1")
        #expect(try checked("int", "\"7\"") == "7")
        #expect(try checked("int", "01") == nil)
        #expect(try checked("int", "1.5") == nil)
        #expect(try checked("int", "99999999999999999999") == nil)
        #expect(try checked("float", "1.50") == "1.50")
        #expect(try checked("float", "1e999") == nil)
        #expect(try checked("string", "0123") == "\"0123\"")
        #expect(try checked("string", "1.50") == "\"1.50\"")
        #expect(try checked("string", "true") == "\"true\"")
        #expect(try checked("string", "{}") == nil)
        #expect(try checked("bool", "\"true\"") == "true")
        #expect(try checked("bool", "yes") == nil)
        #expect(try checked("enum(a,true)", "true") == "\"true\"")
        #expect(try checked("enum(a,b)", "c") == nil)
        #expect(try checked("duration|enum(infinity)", "infinity") == "\"infinity\"")
        #expect(try checked("string|string[]", "[a, 1]") == #"["a","1"]"#)
        #expect(try checked("string|string[]", "a") == "\"a\"")
        #expect(try checked("int[][]", "[[1], []]") == "[[1],[]]")
        #expect(try checked("int[][]", "[1]") == nil)
        #expect(try checked("duration[]", "[1s, 2]") == "[1000,2]")
        #expect(try checked("any", "null") == "null")
    }

    @Test
    func boundsHoldForElementsOfArraysToo() throws {
        let schema = try Schema([Setting("x", .array(.int), doc: "", minimum: 1, maximum: 9)])
        func count(_ text: String) throws -> Int {
            schema.validate(try ConfigSource.parse(text, file: "t")).errors.count
        }
        #expect(try count("x = [1, 9]") == 0)
        #expect(try count("x = [0, 5, 10]") == 2)
    }
}
