// SPDX-License-Identifier: Apache-2.0
// Lines of the log: what of a text from outside is shown as it is, and how long a line may be.

import Broker
import Synchronization
import Testing

@testable import Host

@Suite struct LogTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func lines(_ write: (Log) -> Void) -> [String] {
        let lines = Lines()
        write(Log(level: .notice) { line in lines.all.withLock { $0.append(line) } })
        return lines.all.withLock { $0 }
    }

    private func shown(_ text: String) -> String {
        let line = lines { $0(.notice, text) }[0]
        #expect(line.hasSuffix("\n"))
        return String(line.dropLast()[line.range(of: "[notice] ")!.upperBound...])
    }

    @Test(
        arguments: [
            "\n", "\r", "\u{1B}", "\u{7F}", "\u{85}", "\u{9B}", "\u{2028}", "\u{2029}",
            // Turn the direction of writing.
            "\u{202E}", "\u{202D}", "\u{2066}", "\u{2069}", "\u{200E}", "\u{200F}", "\u{061C}",
            // Are not seen.
            "\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{FEFF}", "\u{AD}", "\u{034F}", "\u{115F}", "\u{3164}",
            "\u{FFA0}", "\u{180E}", "\u{FE0F}", "\u{E0041}", "\u{E0100}", "\u{FFF9}", "\u{17B4}",
            // Have no form of their own.
            "\u{E000}", "\u{378}", "\u{FFFE}",
        ] as [Character]
    )
    func marksAreShownAsCodes(mark: Character) {
        let code = mark.unicodeScalars.map { "\\u{" + String($0.value, radix: 16) + "}" }.joined()
        #expect(shown("adm\(mark)in") == "adm\(code)in")
    }

    @Test func writtenTextStaysAsItIs() {
        for text in ["admin", "Jürgen", "日本語", "العربية", "עברית", "नमस्ते", "🚀", "a\\b {c} \"d\"", "e\u{301}", " ~"] {
            #expect(shown(text) == text)
        }
    }

    @Test func aLineHasAnEnd() {
        let line = shown(String(repeating: "x", count: 1_000_000))
        #expect(line.utf8.count < 5000)
        #expect(line.hasSuffix("… (1000000 bytes)"))
    }

    @Test func repeatedLinesAreSummedUp() {
        let kind = LogKind("things that happen")
        let written = lines { log in
            for number in 0..<10 { log.repeated(.warning, kind, "a") { "a for the \(number)th time" } }
            for _ in 0..<10 { log.repeated(.info, kind, "a") { "nobody reads it" } }
            log.tellLeftOut()
            log.tellLeftOut()
        }
        #expect(written.count == 4)
        #expect(written[3].hasSuffix("[warning] 7 more lines were left out, such as: a for the 3th time\n"))
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
