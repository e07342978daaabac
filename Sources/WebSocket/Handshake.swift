// SPDX-License-Identifier: Apache-2.0
// The opening handshake (RFC 6455, 4.2) as it comes in: bytes are gathered until the request's head is whole, and then
// answered with 101 or with a refusal. How long a client may take is its owner's business; how much it may send, ours.

public struct Handshake {
    public enum Outcome {
        /// The head is not whole yet; all bytes were taken.
        case incomplete
        /// Send the response; what stands behind the first `used` bytes of this call are frames.
        case accepted(Upgrade, used: Int)
        /// Send the response and close.
        case refused(HTTPResponse)
    }

    /// Bytes of request line and header fields together.
    public static let maximumHeadSize = 8192

    private var head: [UInt8] = []

    public init() {}

    public mutating func received(_ bytes: UnsafeRawBufferPointer, _ rules: UpgradeRules) -> Outcome {
        let known = head.count
        head.append(contentsOf: bytes.prefix(Self.maximumHeadSize - known))
        if let refusal = strangeBeginning { return .refused(refusal) }
        guard let end = endOfHead(from: max(0, known - 3)) else {
            return head.count < Self.maximumHeadSize
                ? .incomplete
                : .refused(HTTPResponse(.tooLarge, "The request's head is longer than \(Self.maximumHeadSize) bytes."))
        }
        do throws(HTTPResponse) {
            let upgrade = try rules.upgrade(try HTTPRequest(head: head[..<(end - 2)]))
            return .accepted(upgrade, used: end - known)
        } catch {
            return .refused(error)
        }
    }

    /// Where the empty line ends, searched from `start` on, so that a head in many pieces is searched once.
    private func endOfHead(from start: Int) -> Int? {
        var i = start
        while i + 4 <= head.count {
            if head[i] == 13, head[i + 1] == 10, head[i + 2] == 13, head[i + 3] == 10 { return i + 4 }
            i += 1
        }
        return nil
    }

    /// What no HTTP request begins with would be waited for in vain: the empty line may never come.
    private var strangeBeginning: HTTPResponse? {
        switch head.first {
        case nil: nil
        case .some(0x41...0x5A): nil
        case 0x10: HTTPResponse(.badRequest, "This is a WebSocket listener, and the client speaks MQTT without it.")
        case 0x16: HTTPResponse(.badRequest, "This is a listener without TLS, and the client speaks TLS.")
        default: HTTPResponse(.badRequest, "This is no HTTP request.")
        }
    }
}
