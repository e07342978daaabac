// SPDX-License-Identifier: Apache-2.0
// Fetches the files of one configuration and keeps count of what they cost. It knows which files are being read, so
// that an include that leads back to one of them is an error and not an endless loop.

final class Loader {
    private(set) var warnings: [ConfigError] = []
    /// The files being read, outermost first.
    private var open: [(canonical: String, file: String)] = []
    private var totalBytes = 0
    private var includes = 0
    private var values = 0

    func warn(_ warning: ConfigError) {
        warnings.append(warning)
    }

    func countValue(at origin: Origin) throws(ConfigError) {
        values += 1
        if values > Limits.values {
            throw ConfigError(origin, "the configuration has more than \(Limits.values) values")
        }
    }

    /// The object a file holds; nil if there is no such file. `origin` is the include statement, nil for a file named
    /// by the user.
    func object(
        in file: String,
        includedAt origin: Origin?,
        prefix: [String] = [],
        depth: Int = 0
    ) throws(ConfigError) -> ObjectNode? {
        let place = origin ?? Origin(file: file)
        let canonical = FileReader.canonical(file)
        if let start = open.firstIndex(where: { $0.canonical == canonical }) {
            let circle = (open[start...].map(\.file) + [file]).joined(separator: " → ")
            throw ConfigError(place, "the file \(JSONText.quoted(file)) includes itself: \(circle)")
        }
        if origin != nil { includes += 1 }
        if open.count > Limits.includeDepth || includes > Limits.includes {
            throw ConfigError(
                place,
                "too many includes: at most \(Limits.includeDepth) deep and \(Limits.includes) in all"
            )
        }
        guard let bytes = try read(file, place) else { return nil }
        open.append((canonical, file))
        defer { open.removeLast() }
        var parser = try Parser(bytes, file: file, loader: self, prefix: prefix, depth: depth)
        return try parser.document()
    }

    private func read(_ file: String, _ place: Origin) throws(ConfigError) -> [UInt8]? {
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(file)
        } catch {
            switch error {
            case .missing:
                return nil
            case .unreadable(let reason):
                throw ConfigError(place, "the file \(JSONText.quoted(file)) cannot be read: \(reason)")
            case .tooLarge:
                let most = Limits.fileBytes >> 20
                throw ConfigError(place, "the file \(JSONText.quoted(file)) is larger than \(most) MB")
            }
        }
        totalBytes += bytes.count
        if totalBytes > Limits.totalBytes {
            throw ConfigError(
                place,
                "the files of the configuration are larger than \(Limits.totalBytes >> 20) MB together"
            )
        }
        return bytes
    }
}
