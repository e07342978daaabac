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

    /// nil if the path is not one.
    var steps: [Step]? {
        var steps: [Step] = []
        for part in path.split(separator: ".", omittingEmptySubsequences: false) {
            var name = part
            var elements = 0
            while name.hasSuffix("[]") {
                name = name.dropLast(2)
                elements += 1
            }
            if name.isEmpty || name.contains(where: { "[]\" ".contains($0) }) { return nil }
            steps.append(name == "*" ? .wildcard : .key(String(name)))
            steps += Array(repeating: .element, count: elements)
        }
        return steps
    }
}
