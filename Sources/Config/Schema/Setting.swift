// SPDX-License-Identifier: Apache-2.0
// One configuration key: declared once, by the host or by a plugin, and from then on the source of checks, defaults and
// documentation.

public struct Setting: Sendable, Equatable {
    /// From the root: `cluster.links[].server`; `[]` is each element of an array, `*` any name the user chooses.
    public var path: String
    public var type: SettingType
    /// HOCON text of the default. Without one the key is required, unless its type is optional or an object.
    public var fallback: String?
    /// One sentence.
    public var doc: String
    /// Its value is never logged or shown.
    public var secret: Bool
    /// A change takes effect without a restart.
    public var reloadable: Bool
    /// The version that introduced it.
    public var since: String
    /// Bounds of the checked number: of milliseconds, bytes or elements' values where the type says so.
    public var minimum: Double?
    public var maximum: Double?

    public init(
        _ path: String,
        _ type: SettingType,
        fallback: String? = nil,
        doc: String,
        secret: Bool = false,
        reloadable: Bool = false,
        since: String = "",
        minimum: Double? = nil,
        maximum: Double? = nil
    ) {
        self.path = path
        self.type = type
        self.fallback = fallback
        self.doc = doc
        self.secret = secret
        self.reloadable = reloadable
        self.since = since
        self.minimum = minimum
        self.maximum = maximum
    }

    /// A plugin's declaration, whose type is text.
    public init(
        path: String,
        type: String,
        fallback: String?,
        doc: String,
        secret: Bool = false,
        reloadable: Bool = false
    ) throws(ConfigError) {
        guard let parsed = SettingType(text: type) else {
            throw ConfigError(
                Self.origin(path),
                "\(JSONText.quoted(type)) is not a type; use string, bool, int, float, duration, bytesize, percent, any, "
                    + "object or enum(a,b), with [] for arrays, | for alternatives and ? at the end for optional ones"
            )
        }
        self.init(path, parsed, fallback: fallback, doc: doc, secret: secret, reloadable: reloadable)
    }

    /// The place of errors in the declaration itself.
    static func origin(_ path: String) -> Origin { Origin(file: "setting \(JSONText.quoted(path))") }

    enum Step: Equatable {
        case key(String)
        case wildcard
        case element
    }

    /// nil if the path is not one. By bytes, as every start of the broker reads hundreds of paths.
    var steps: [Step]? {
        let bytes = Array(path.utf8)
        var steps: [Step] = []
        var start = 0
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
            var nameEnd = end
            while nameEnd >= start + 2, bytes[nameEnd - 2] == UInt8(ascii: "["), bytes[nameEnd - 1] == UInt8(ascii: "]")
            {
                nameEnd -= 2
            }
            let name = bytes[start..<nameEnd]
            if name.isEmpty || name.contains(where: Self.isForeign) { return nil }
            let isWildcard = name.count == 1 && name.first == UInt8(ascii: "*")
            steps.append(isWildcard ? .wildcard : .key(String(decoding: name, as: UTF8.self)))
            for _ in 0..<(end - nameEnd) / 2 { steps.append(.element) }
            start = end + 1
        }
        return steps
    }

    /// Whether a name must not hold it.
    private static func isForeign(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""), UInt8(ascii: " "): true
        default: false
        }
    }
}
