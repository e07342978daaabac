// SPDX-License-Identifier: Apache-2.0
// bcrypt by the system's libcrypt. Slow by intention: never called on an event loop.

import CCrypt
import Glibc

enum Bcrypt {
    /// `$2b$10$` and 53 characters of salt and digest.
    static func isHash(_ text: [UInt8]) -> Bool {
        guard text.count == 60, text[0] == UInt8(ascii: "$"), text[1] == UInt8(ascii: "2"),
            text[2] == UInt8(ascii: "a") || text[2] == UInt8(ascii: "b") || text[2] == UInt8(ascii: "y"),
            text[3] == UInt8(ascii: "$"), text[6] == UInt8(ascii: "$"),
            let cost = Int(String(decoding: text[4..<6], as: UTF8.self)), (4...31).contains(cost)
        else { return false }
        return text[7...].allSatisfy(isDigit)
    }

    static func accepts(_ password: [UInt8], _ hash: [UInt8]) -> Bool {
        // libcrypt takes C strings: it would compare only what stands before a NUL.
        guard !password.contains(0) else { return false }
        let scratch = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
        defer {
            explicit_bzero(scratch, MemoryLayout<crypt_data>.size)
            scratch.deallocate()
        }
        memset(scratch, 0, MemoryLayout<crypt_data>.size)
        let computed = (password + [0]).withUnsafeBytes { password in
            (hash + [0]).withUnsafeBytes { hash in
                crypt_r(
                    password.bindMemory(to: CChar.self).baseAddress,
                    hash.bindMemory(to: CChar.self).baseAddress,
                    scratch
                )
            }
        }
        guard let computed else { return false }
        let text = UnsafeRawBufferPointer(start: computed, count: strlen(computed))
        return equal([UInt8](text), hash)
    }

    /// The letters of bcrypt's own base 64.
    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
