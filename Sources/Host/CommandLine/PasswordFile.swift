// SPDX-License-Identifier: Apache-2.0
// A password file as mosquitto_passwd has it: lines of `USER:$7$ITERATIONS$SALT$HASH`. Lines of others, comments and blank
// ones stay as they are. A change is written beside the file and takes its place at once, so nobody reads half of it.

import COpenSSL
import Glibc

struct PasswordFile {
    private(set) var lines: [[UInt8]] = []
    private let path: String
    /// What the file was; nil if it is new.
    private var former: stat?

    init(_ path: String) throws(PasswordFileError) {
        guard !path.hasSuffix(".csv"), !path.hasSuffix(".json") else {
            throw PasswordFileError("\(path) holds rows of EMQX's kind: edit it, or name a file that ends otherwise")
        }
        self.path = path
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return }
            throw PasswordFileError("cannot read \(path)", errno: errno)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw PasswordFileError("\(path) is no file")
        }
        former = status
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &buffer, buffer.count)
            guard count >= 0 else { throw PasswordFileError("cannot read \(path)", errno: errno) }
            if count == 0 { break }
            text += buffer.prefix(count)
        }
        lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        if lines.last?.isEmpty == true { lines.removeLast() }
    }

    static func check(_ user: String) throws(PasswordFileError) {
        let isBad = user.isEmpty || user.hasPrefix("#") || user.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: ":") }
        guard !isBad else {
            throw PasswordFileError(
                "\"\(user.clippedForLog)\" cannot stand in a password file: a name has no colon, no # in front, no control characters"
            )
        }
    }

    /// Adds the user, or gives it another password.
    mutating func set(_ user: String, _ password: [UInt8], iterations: Int) throws(PasswordFileError) {
        let entry = Array(user.utf8) + [UInt8(ascii: ":")] + (try Self.hash(password, iterations: iterations))
        let places = places(of: user)
        if let first = places.first { lines[first] = entry } else { lines.append(entry) }
        for place in places.dropFirst().reversed() { lines.remove(at: place) }
    }

    mutating func remove(_ user: String) throws(PasswordFileError) {
        let places = places(of: user)
        guard !places.isEmpty else { throw PasswordFileError("there is no user \(user.clippedForLog) in \(path)") }
        for place in places.reversed() { lines.remove(at: place) }
    }

    private func places(of user: String) -> [Int] {
        let start = Array(user.utf8) + [UInt8(ascii: ":")]
        return lines.indices.filter { lines[$0].starts(with: start) }
    }

    /// `$7$ITERATIONS$SALT$HASH`: PBKDF2 with SHA-512, salt and hash in base 64.
    static func hash(_ password: [UInt8], iterations: Int) throws(PasswordFileError) -> [UInt8] {
        var salt = [UInt8](repeating: 0, count: 12)
        var hash = [UInt8](repeating: 0, count: 64)
        let made = password.withUnsafeBytes { bytes in
            PKCS5_PBKDF2_HMAC(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(bytes.count),
                RAND_bytes(&salt, Int32(salt.count)) == 1 ? salt : [],
                Int32(salt.count),
                Int32(iterations),
                EVP_sha512(),
                Int32(hash.count),
                &hash
            )
        }
        guard made == 1 else { throw PasswordFileError("OpenSSL cannot hash the password on this system") }
        return Array("$7$\(iterations)$".utf8) + base64(salt) + [UInt8(ascii: "$")] + base64(hash)
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return Array(text.prefix(Int(count)))
    }

    func write() throws(PasswordFileError) {
        let fresh = path + ".new"
        let file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            if errno == EEXIST {
                throw PasswordFileError("\(fresh) is there: another one changes the file; remove it if nobody does")
            }
            throw PasswordFileError("cannot write \(fresh)", errno: errno)
        }
        defer { close(file) }
        do throws(PasswordFileError) {
            if let former {
                guard fchmod(file, former.st_mode & 0o7777) == 0 else {
                    throw PasswordFileError("cannot set the mode of \(fresh)", errno: errno)
                }
                // Only root may give a file away; whose it is otherwise is whose it was.
                _ = fchown(file, former.st_uid, former.st_gid)
            }
            try write(lines.flatMap { $0 + [UInt8(ascii: "\n")] }, to: file, fresh)
            guard fsync(file) == 0, rename(fresh, path) == 0 else {
                throw PasswordFileError("cannot write \(path)", errno: errno)
            }
        } catch {
            unlink(fresh)
            throw error
        }
    }

    private func write(_ text: [UInt8], to file: Int32, _ name: String) throws(PasswordFileError) {
        var done = 0
        while done < text.count {
            let count = text.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.unsafelyUnwrapped + done, text.count - done)
            }
            guard count > 0 else { throw PasswordFileError("cannot write \(name)", errno: errno) }
            done += count
        }
    }
}

extension String {
    /// A name from outside, on a terminal.
    fileprivate var clippedForLog: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.prefix(100).map {
                    $0.properties.isDefaultIgnorableCodePoint || $0.value < 0x20 ? "?" : $0
                }
            )
        )
    }
}
