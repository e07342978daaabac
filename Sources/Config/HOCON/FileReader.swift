// SPDX-License-Identifier: Apache-2.0
// Reads whole files through the C library, with a cap, and tells two names of one file apart from two files.

import Glibc

enum FileReader {
    enum Failure: Error {
        case missing
        case unreadable(String)
        case tooLarge
    }

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT || errno == ENOTDIR { throw .missing }
            throw .unreadable(systemMessage())
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .unreadable(systemMessage())
            }
            if count == 0 { return content }
            content += chunk.prefix(count)
            if content.count > Limits.fileBytes { throw .tooLarge }
        }
    }

    /// The one absolute name of a file without links and dots; the path itself if there is no such file.
    static func canonical(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// `name` as seen from the directory that holds `file`.
    static func path(_ name: String, besides file: String) -> String {
        guard !name.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return name }
        return String(file[...slash]) + name
    }

    private static func systemMessage() -> String { String(cString: strerror(errno)) }
}
