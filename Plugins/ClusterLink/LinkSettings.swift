// SPDX-License-Identifier: Apache-2.0
// One element of `cluster.links` as the config holds it. What the types cannot say is checked in LinkSettings+Checks.

struct LinkSettings: Decodable, Sendable {
    var name: String
    var enable: Bool?
    var server: String
    var clientid: String?
    var username: String?
    var password: String?
    var topics: [String]
    var poolSize: Int?
    var maxInflight: Int?
    var ssl: TLS?
    var resources: Resources?

    struct TLS: Decodable, Sendable {
        var enable: Bool?
        var cacertfile: String?
        var certfile: String?
        var keyfile: String?
        var password: String?
        var verify: String?
        var serverNameIndication: String?
        var depth: Int?
        var versions: [String]?
        var ciphers: NameList?

        enum CodingKeys: String, CodingKey {
            case enable
            case cacertfile
            case certfile
            case keyfile
            case password
            case verify
            case serverNameIndication = "server_name_indication"
            case depth
            case versions
            case ciphers
        }
    }

    struct Resources: Decodable, Sendable {
        var requestTTL: TimeToLive?
        var maxBufferBytes: Int?

        enum CodingKeys: String, CodingKey {
            case requestTTL = "request_ttl"
            case maxBufferBytes = "max_buffer_bytes"
        }
    }

    enum CodingKeys: String, CodingKey {
        case name
        case enable
        case server
        case clientid
        case username
        case password
        case topics
        case poolSize = "pool_size"
        case maxInflight = "max_inflight"
        case ssl
        case resources = "resource_opts"
    }

    var isEnabled: Bool { enable ?? true }
    var usesTLS: Bool { ssl?.enable ?? false }
    /// Milliseconds.
    var requestTTL: UInt64 { resources?.requestTTL?.milliseconds ?? TimeToLive.standard }
    var maxBufferBytes: Int { resources?.maxBufferBytes ?? 256 << 20 }
    var connections: Int { poolSize ?? 8 }
    /// 0 in the config means no limit of our own.
    var inflightLimit: Int { (maxInflight ?? 32) > 0 ? min(maxInflight ?? 32, 65_535) : 65_535 }
}

/// An array of names, or one text with commas between them.
struct NameList: Decodable, Sendable {
    let names: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let names = try? container.decode([String].self) {
            self.names = names
            return
        }
        names = try container.decode(String.self).split(separator: ",").map { name in
            String(name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// A duration or the word `infinity`, in milliseconds.
struct TimeToLive: Decodable, Sendable {
    static let standard: UInt64 = 45_000
    static let infinity = UInt64.max / 4

    let milliseconds: UInt64

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(UInt64.self) {
            milliseconds = min(number, Self.infinity)
            return
        }
        let text = try container.decode(String.self)
        guard let parsed = Self.parse(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "\"\(text)\" is neither a duration such as 45s nor infinity"
            )
        }
        milliseconds = parsed
    }

    /// `1h30m`, `45s`, `500ms`, `infinity`.
    static func parse(_ text: String) -> UInt64? {
        if text == "infinity" { return infinity }
        var rest = Substring(text)
        var total: UInt64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let number = UInt64(digits), let scale = scales[unit.lowercased()] else { return nil }
            let (product, overflows) = number.multipliedReportingOverflow(by: scale)
            guard !overflows, product < infinity - total else { return nil }
            total += product
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return text.isEmpty ? nil : total
    }

    private static let scales: [String: UInt64] = [
        "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "f": 1_209_600_000,
    ]
}
