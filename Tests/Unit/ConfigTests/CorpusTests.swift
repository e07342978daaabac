// SPDX-License-Identifier: Apache-2.0
// The corpus in Tests/Corpus/hocon: every valid file gives exactly the JSON of valid.golden, every invalid one exactly
// the error of invalid.golden, and no truncation or mutation of any of them does more than fail.

import Config
import TestRandom
import Testing

struct CorpusTests {
    @Test(arguments: ["valid", "invalid"])
    func everyFileGivesItsGoldenResult(folder: String) throws {
        let directory = "\(Corpus.root)/\(folder)"
        let golden = try Corpus.golden("\(directory).golden")
        let names = try Files.names(in: directory).filter { $0.hasSuffix(".conf") }
        #expect(names.count >= 60)
        #expect(names.sorted() == golden.keys.sorted())
        for name in names {
            #expect(Corpus.result("\(directory)/\(name)", directory) == golden[name], "\(folder)/\(name)")
        }
    }

    @Test
    func truncatedAndMutatedFilesNeverCrash() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("corpus mutation seed: \(seed)")
        var random = SeededRandom(seed: seed)
        let interesting = Array("{}[](),:=+\"\\$?#/~.\n\r\t 019eE-".utf8) + [0, 0x80, 0xc3, 0xef, 0xff]
        var outcomes = (parsed: 0, refused: 0)
        func run(_ bytes: [UInt8], _ directory: String) {
            let source = ConfigSource(name: "mutant")
            do throws(ConfigError) {
                try source.add(bytes: bytes, file: "\(directory)/mutant.conf")
                #expect(!(try source.value()).json.isEmpty)
                outcomes.parsed += 1
            } catch {
                #expect(!error.message.isEmpty)
                outcomes.refused += 1
            }
        }
        for folder in ["valid", "invalid"] {
            let directory = "\(Corpus.root)/\(folder)"
            for name in try Files.names(in: directory) where name.hasSuffix(".conf") {
                let bytes = try Files.read("\(directory)/\(name)")
                // The two that grow without bound take a second each; once, in the golden test, is enough.
                if bytes.isEmpty || name.hasPrefix("exponential") { continue }
                for _ in 0..<40 {
                    run(Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))), directory)
                    var mutant = bytes
                    for _ in 0...Int.random(in: 0..<4, using: &random) {
                        let position = Int.random(in: 0..<mutant.count, using: &random)
                        let byte = interesting.randomElement(using: &random) ?? 0
                        switch Int.random(in: 0..<4, using: &random) {
                        case 0: mutant[position] = byte
                        case 1: mutant.insert(byte, at: position)
                        case 2: mutant[position] = UInt8.random(in: 0...255, using: &random)
                        default: if mutant.count > 1 { mutant.remove(at: position) }
                        }
                    }
                    run(mutant, directory)
                }
            }
        }
        #expect(outcomes.parsed > 100)
        #expect(outcomes.refused > 1_000)
    }

    @Test
    func theLinkConfigurationIsWhatItSays() throws {
        let value = try ConfigSource.load("\(Corpus.root)/valid/mission-link.conf")
        #expect(value.string(at: "cluster.links[0].username") == "clink-user:us-east")
        #expect(value.array(at: "cluster.links[0].topics")?.compactMap { $0.string() } == ["#"])
        #expect(value.int(at: "listeners.tcp.clink.bind") == 11883)
        #expect(value.string(at: "plugins[2].config.greeting") == "hi")
        #expect(value.string(at: "authentication[0].password_hash_algorithm.salt_position") == "suffix")
        #expect(value.bool(at: "authorization.sources[0].enable") == true)
        let origin = try #require(value.lookup("cluster.links[0].server")?.origin)
        #expect(origin.description == "\(Corpus.root)/valid/mission-link.conf:6:16")
    }
}

private enum Corpus {
    static let root = Files.repository + "/Tests/Corpus/hocon"

    /// `name<TAB>result` lines.
    static func golden(_ path: String) throws -> [String: String] {
        var results: [String: String] = [:]
        for line in String(decoding: try Files.read(path), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1)
            if parts.count == 2 { results[String(parts[0])] = String(parts[1]) }
        }
        return results
    }

    /// The JSON or the error, without the directory in file names.
    static func result(_ path: String, _ directory: String) -> String {
        do throws(ConfigError) {
            return try ConfigSource.load(path).json
        } catch {
            return error.description.replacing("\(directory)/", with: "")
        }
    }
}
