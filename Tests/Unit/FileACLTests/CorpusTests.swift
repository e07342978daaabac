// SPDX-License-Identifier: Apache-2.0
// Every file of Tests/Corpus/acl: a bad one begins with the complaints it must cause, `% expect LINE:COLUMN: sentence`;
// a valid one must cause none.

import Glibc
import PluginKit
import Testing

@testable import FileACLRules

private let directory = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Corpus/acl"

private func files(_ prefix: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasPrefix(prefix) && name.hasSuffix(".conf") { names.append(name) }
    }
    return names.sorted()
}

private func complaints(_ text: [UInt8]) -> [String] {
    do {
        _ = try ACLFile(name: "acl.conf", text: text)
        return []
    } catch {
        return error.errors.map { "\($0.position.line):\($0.position.column): \($0.sentence)" }
    }
}

@Suite struct CorpusTests {
    @Test("The corpus is there")
    func corpus() {
        #expect(files("bad-").count >= 40)
        #expect(files("valid-").count >= 3)
    }

    @Test("A bad file causes exactly the complaints it names", arguments: files("bad-"))
    func bad(_ name: String) throws {
        let text = try readFile("\(directory)/\(name)")
        let marker = "% expect "
        let expected = text.split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0, as: UTF8.self) }
            .prefix { $0.hasPrefix(marker) }
            .map { String($0.dropFirst(marker.count)) }
        #expect(!expected.isEmpty)
        #expect(complaints(text) == expected)
    }

    @Test("A valid file causes no complaint", arguments: files("valid-"))
    func valid(_ name: String) throws {
        #expect(complaints(try readFile("\(directory)/\(name)")) == [])
    }

    @Test("A complaint names file, line, column and the rule")
    func description() {
        let text = "{allow, all}.\n{deny,  {usrname, \"x\"},\n all, [\"#\"]}.\n"
        do {
            _ = try ACLFile(name: "/etc/acl.conf", text: Array(text.utf8))
            Issue.record("the file was accepted")
        } catch {
            #expect(
                error.errors.map(\.description) == [
                    "/etc/acl.conf:2:9: usrname is no condition; did you mean username? "
                        + "In: {deny, {usrname, \"x\"}, all, [\"#\"]}"
                ]
            )
        }
    }

    @Test("Cutting or changing any byte of a valid file never crashes the parser")
    func mutations() throws {
        let text = try readFile("\(directory)/valid-grammar.conf")
        let bytes: [UInt8] = [0, 34, 39, 46, 60, 92, 123, 125, 255]
        for index in text.indices {
            _ = complaints(Array(text[..<index]))
            var changed = text
            changed[index] = bytes[index % bytes.count]
            _ = complaints(changed)
        }
    }
}
