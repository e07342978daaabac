// SPDX-License-Identifier: Apache-2.0
// Why the dynamic linker would not load a library that looks right: glibc's dlerror() texts, read as what they mean.
// Those texts call the library by the name of the sealed copy, and one of them ("cannot open shared object file")
// names a file that the operator never asked for, so they are not shown as they are.

enum LinkProblem: Error, Equatable {
    case undefinedSymbol(String)
    case missingLibrary(String, direct: Bool, besidePlugin: Bool)
    case missingVersion(String, library: String)
    case other(String)

    /// `needed`: what the file itself is linked with. `isBeside`: whether a library lies in the plugin's directory.
    init(dlerror text: String, needed: [String], isBeside: (String) -> Bool) {
        let message = Self.withoutCopyName(text)
        if let symbol = Self.rest(of: message, after: "undefined symbol: ") {
            self = .undefinedSymbol(Self.upTo(symbol, [",", " "]))
        } else if let library = Self.start(of: message, before: ": cannot open shared object file") {
            self = .missingLibrary(library, direct: needed.contains(library), besidePlugin: isBeside(library))
        } else if let version = Self.rest(of: message, after: ": version `"), message.contains("' not found") {
            let library = Self.start(of: message, before: ": version `") ?? ""
            self = .missingVersion(
                Self.upTo(version, ["'"]),
                library: library.split(separator: "/").last.map(String.init) ?? library
            )
        } else {
            self = .other(message)
        }
    }

    var sentence: String {
        switch self {
        case .undefinedSymbol(let symbol) where symbol.hasPrefix("isth_"):
            "wants to link \(symbol) from the host, which exports nothing; call it through the isth_host table"
        case .undefinedSymbol(let symbol):
            "uses \(symbol), which neither it nor the libraries it is linked with define; "
                + "link it with the library that does"
        case .missingLibrary(let library, let direct, true):
            "needs \(library)\(direct ? "" : " (through another library)"), which is not on the library path; the copy "
                + "beside the plugin is not looked at: add its directory to LD_LIBRARY_PATH or to /etc/ld.so.conf"
        case .missingLibrary(let library, let direct, false):
            "needs \(library)\(direct ? "" : " (through another library)"), which is not installed; "
                + "install it, or add its directory to LD_LIBRARY_PATH"
        case .missingVersion(let version, let library):
            "was built for a newer system: \(library) here has no \(version); rebuild it on this system"
        case .other(let text):
            "cannot be loaded: \(text)"
        }
    }

    private static func withoutCopyName(_ text: String) -> String {
        guard text.hasPrefix("/proc/self/fd/") else { return text }
        return rest(of: text, after: ": ") ?? text
    }

    private static func rest(of text: String, after mark: String) -> String? {
        position(of: mark, in: text).map {
            String(decoding: Array(text.utf8)[($0 + mark.utf8.count)...], as: UTF8.self)
        }
    }

    private static func start(of text: String, before mark: String) -> String? {
        position(of: mark, in: text).map { String(decoding: Array(text.utf8)[..<$0], as: UTF8.self) }
    }

    private static func upTo(_ text: String, _ ends: [Character]) -> String {
        String(text.prefix { !ends.contains($0) })
    }

    private static func position(of mark: String, in text: String) -> Int? {
        let text = Array(text.utf8)
        let mark = Array(mark.utf8)
        guard text.count >= mark.count else { return nil }
        return (0...text.count - mark.count).first { text[$0...].starts(with: mark) }
    }
}
