// SPDX-License-Identifier: Apache-2.0
// Bootstrap files, `.csv`, `.json` and those of mosquitto_passwd: rows of users with passwords or with hashes. All
// mistakes of a file are collected, each with its line or its place in the array (JSON).

import FoundationEssentials
import PluginKit

/// `bootstrap_type`: what the password column holds.
public enum BootstrapType: String, Sendable {
    case plain
    case hash

    var column: String { self == .plain ? "password" : "password_hash" }
}

/// One row, not yet turned into a credential.
struct UserRow {
    /// `line 3` or `entry 3`.
    let place: String
    var userID: [UInt8]?
    var password: [UInt8]?
    var salt: [UInt8] = []
    var isSuperuser = false
    /// The password says how it was hashed.
    var isMosquitto = false
}

/// Everything that is wrong with a file, as sentences with their places.
public struct UserFileErrors: Error, Sendable {
    public let sentences: [String]
}

struct UserFile {
    var rows: [UserRow] = []
    var mistakes: [String] = []
    private let name: String
    private let type: BootstrapType

    init(name: String, text: [UInt8], type: BootstrapType) {
        self.name = name
        self.type = type
        if name.hasSuffix(".csv") {
            readCSV(text)
        } else if name.hasSuffix(".json") {
            readJSON(text)
        } else {
            readMosquitto(text)
        }
    }

    // MARK: mosquitto_passwd

    private mutating func readMosquitto(_ text: [UInt8]) {
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            var row = UserRow(place: "line \(index + 1)", isMosquitto: true)
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                complain(row.place, "this is no USER:HASH as `isthmus passwd` and mosquitto_passwd write it.")
                continue
            }
            row.userID = Array(line[..<colon])
            row.password = Array(line[(colon + 1)...])
            rows.append(row)
        }
    }

    mutating func complain(_ place: String?, _ sentence: String) {
        mistakes.append("\(position(place)): \(sentence)")
    }

    /// Lines are written so that editors find them: `users.csv:3`.
    private func position(_ place: String?) -> String {
        guard let place else { return name }
        return place.hasPrefix("line ") ? "\(name):\(place.dropFirst(5))" : "\(name), \(place)"
    }

    // MARK: CSV

    private mutating func readCSV(_ text: [UInt8]) {
        var csv = CSV(text)
        do {
            guard let header = try csv.next() else {
                return complain(nil, "the file is empty: its first line names the columns.")
            }
            let columns = header.cells.map { String(decoding: $0 ?? [], as: UTF8.self).trimmingSpaces }
            guard check(columns, "line \(header.line)") else { return }
            while let row = try csv.next() { add(row, columns) }
        } catch {
            complain("line \(error.line)", error.sentence)
        }
    }

    private mutating func check(_ columns: [String], _ place: String) -> Bool {
        let before = mistakes.count
        let known = ["user_id", type.column, "salt", "is_superuser", "namespace"]
        for column in columns where !known.contains(column) {
            complain(
                place,
                "there is no column \"\(column)\" in a file of this type: use \(known.joined(separator: ", "))."
            )
        }
        for column in ["user_id", type.column] where !columns.contains(column) {
            complain(place, "the column \(column) is missing.")
        }
        for (index, column) in columns.enumerated() where columns[..<index].contains(column) {
            complain(place, "the column \(column) stands here twice.")
        }
        return mistakes.count == before
    }

    private mutating func add(_ row: CSV.Row, _ columns: [String]) {
        let place = "line \(row.line)"
        guard row.cells.count == columns.count else {
            return complain(place, "\(row.cells.count) cells, but the header names \(columns.count) columns.")
        }
        var user = UserRow(place: place)
        for (column, cell) in zip(columns, row.cells) {
            guard let cell else { continue }
            switch column {
            case "user_id": user.userID = cell
            case "salt": user.salt = cell
            case "is_superuser":
                switch String(decoding: cell, as: UTF8.self).trimmingSpaces {
                case "true": user.isSuperuser = true
                case "false": break
                default: return complain(place, "is_superuser is true, false or empty.")
                }
            case "namespace": return complain(place, namespaceSentence)
            default: user.password = cell
            }
        }
        rows.append(user)
    }

    // MARK: JSON

    private mutating func readJSON(_ text: [UInt8]) {
        let entries: [JSONUser]
        do {
            entries = try JSONDecoder().decode([JSONUser].self, from: Data(text))
        } catch DecodingError.typeMismatch(_, let context) {
            let place = context.codingPath.first?.intValue.map { "entry \($0 + 1)" }
            let field = context.codingPath.last.flatMap { $0.intValue == nil ? $0.stringValue : nil }
            return complain(
                place,
                field.map { "\($0) has a value of the wrong type." } ?? "users are an array of objects."
            )
        } catch {
            return complain(nil, "this is no array of users in JSON.")
        }
        for (index, entry) in entries.enumerated() {
            let place = "entry \(index + 1)"
            guard entry.namespace == nil else {
                complain(place, namespaceSentence)
                continue
            }
            rows.append(
                UserRow(
                    place: place,
                    userID: entry.user_id.map { Array($0.utf8) },
                    password: (type == .plain ? entry.password : entry.password_hash).map { Array($0.utf8) },
                    salt: Array((entry.salt ?? "").utf8),
                    isSuperuser: entry.is_superuser?.value ?? false
                )
            )
        }
    }
}

private let namespaceSentence = "users of a namespace are not supported: leave namespace empty."

private struct JSONUser: Decodable {
    let user_id: String?
    let password: String?
    let password_hash: String?
    let salt: String?
    let is_superuser: Flag?
    let namespace: String?
}

/// A boolean, or the string "true" or "false".
private struct Flag: Decodable {
    let value: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            guard text == "true" || text == "false" else {
                throw DecodingError.typeMismatch(
                    Bool.self,
                    .init(codingPath: decoder.codingPath, debugDescription: "neither true nor false")
                )
            }
            value = text == "true"
        } else {
            value = try container.decode(Bool.self)
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = Substring(self)
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
