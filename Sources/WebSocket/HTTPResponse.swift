// SPDX-License-Identifier: Apache-2.0
// The refusals of a handshake: a status, a sentence for whoever reads it, and then the connection is closed.

public struct HTTPResponse: Error, Equatable {
    public enum Status: Int, Sendable {
        case badRequest = 400
        case forbidden = 403
        case notFound = 404
        case methodNotAllowed = 405
        case upgradeRequired = 426
        case tooLarge = 431
        case versionNotSupported = 505

        var phrase: String {
            switch self {
            case .badRequest: "Bad Request"
            case .forbidden: "Forbidden"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .upgradeRequired: "Upgrade Required"
            case .tooLarge: "Request Header Fields Too Large"
            case .versionNotSupported: "HTTP Version Not Supported"
            }
        }
    }

    public let status: Status
    public let sentence: String
    /// Beside those that every refusal has; "Name: value".
    private let fields: [String]

    public init(_ status: Status, _ sentence: String, fields: [String] = []) {
        self.status = status
        self.sentence = sentence
        self.fields = fields
    }

    public var bytes: [UInt8] {
        let body = sentence + "\n"
        let lines =
            ["HTTP/1.1 \(status.rawValue) \(status.phrase)"] + fields + [
                "Connection: close", "Content-Type: text/plain; charset=utf-8", "Content-Length: \(body.utf8.count)",
            ]
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }
}
