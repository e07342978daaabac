// SPDX-License-Identifier: Apache-2.0
// A file that exists while the test holds it.

import Glibc

public final class TemporaryFile {
    public let path: String

    public struct Failed: Error {}

    public init(_ text: String, suffix: String) throws {
        let template = "/tmp/isthmus-test-XXXXXX" + suffix
        var name = template.utf8CString.map { $0 }
        let file = mkstemps(&name, Int32(suffix.utf8.count))
        guard file >= 0 else { throw Failed() }
        close(file)
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try write(text)
    }

    public func write(_ text: String) throws {
        guard let file = fopen(path, "w") else { throw Failed() }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw Failed() }
    }

    deinit { unlink(path) }
}
