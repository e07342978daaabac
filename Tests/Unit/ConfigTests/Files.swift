// SPDX-License-Identifier: Apache-2.0
// The little file handling that the tests of includes and of the corpus need.

import Glibc

struct FileFailure: Error {
    let path: String
}

enum Files {
    /// The repository's root, three folders above this file's.
    static let repository: String = {
        var path = Substring(#filePath)
        for _ in 0..<4 {
            if let slash = path.lastIndex(of: "/") { path = path[..<slash] }
        }
        return String(path)
    }()

    static func names(in directory: String) throws -> [String] {
        guard let stream = opendir(directory) else { throw FileFailure(path: directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            )
        }
        return names
    }

    static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw FileFailure(path: path) }
        defer { fclose(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { content += chunk.prefix(count) }
        return content
    }

    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw FileFailure(path: path) }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw FileFailure(path: path) }
    }

    /// A directory of its own with these files, removed after `body`.
    static func withDirectory(_ files: [String: String], _ body: (String) throws -> Void) throws {
        var template = Array("/tmp/isthmus-config-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw FileFailure(path: "/tmp") }
        let directory = String(cString: made)
        var folders: Set<String> = []
        defer {
            for name in files.keys { unlink("\(directory)/\(name)") }
            for folder in folders { rmdir("\(directory)/\(folder)") }
            rmdir(directory)
        }
        for (name, text) in files {
            if let slash = name.lastIndex(of: "/"), folders.insert(String(name[..<slash])).inserted {
                mkdir("\(directory)/\(name[..<slash])", 0o700)
            }
            try write(text, to: "\(directory)/\(name)")
        }
        try body(directory)
    }
}
