// SPDX-License-Identifier: Apache-2.0
// Regular expressions of the kind Erlang's `re` has: PCRE, on bytes, not anchored, case-sensitive. Compiled once, to
// machine code where the system permits it. A dollar is the end and nothing else: by default it would also stand before
// a last line feed, and "admin\n" is another user than "admin".

import CPCRE2
import PluginKit

final class Regex: @unchecked Sendable {
    struct Mistake: Error {
        let offset: Int
        let message: String
    }

    enum Outcome {
        case yes
        case no
        /// The expression needed too many steps for this text.
        case gaveUp
    }

    private let code: OpaquePointer

    /// Enough for any sensible expression on an identifier; a runaway one gives up within milliseconds.
    private static let stepLimit: UInt32 = 100_000

    init(_ pattern: [UInt8]) throws(Mistake) {
        var error: Int32 = 0
        var offset = 0
        let code = pattern.withUnsafeBufferPointer {
            let base = $0.baseAddress ?? BytesView.empty.base
            return pcre2_compile_8(base, $0.count, PCRE2_DOLLAR_ENDONLY, &error, &offset, nil)
        }
        guard let code else { throw Mistake(offset: offset, message: Self.message(error)) }
        // Without machine code (a hardened system may refuse it) pcre2_match interprets.
        pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
        self.code = code
    }

    deinit { pcre2_code_free_8(code) }

    func test(_ text: BytesView) -> Outcome {
        guard let data = pcre2_match_data_create_8(1, nil), let limits = pcre2_match_context_create_8(nil) else {
            return .gaveUp
        }
        defer {
            pcre2_match_context_free_8(limits)
            pcre2_match_data_free_8(data)
        }
        pcre2_set_match_limit_8(limits, Self.stepLimit)
        let result = pcre2_match_8(code, text.base, text.count, 0, 0, data, limits)
        if result >= 0 { return .yes }
        return result == PCRE2_ERROR_NOMATCH ? .no : .gaveUp
    }

    private static func message(_ error: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
            let length = pcre2_get_error_message_8(error, buffer.baseAddress, buffer.count)
            return String(decoding: buffer.prefix(max(0, Int(length))), as: UTF8.self)
        }
    }
}
