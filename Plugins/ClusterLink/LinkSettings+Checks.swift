// SPDX-License-Identifier: Apache-2.0
// What must hold for a link beyond the types of its keys. A link that breaks a rule stops the start: the sentence names
// the place in the config file and what to change.

import Glibc
import PluginKit

/// A link whose settings were found good.
struct CheckedLink: Sendable {
    let settings: LinkSettings
    let servers: [ServerAddress]
    /// None covers another.
    let topics: [Filter]
    let password: [UInt8]?
}

struct LinkChecker {
    let host: PluginHost
    let clusterName: String

    func check(_ links: [LinkSettings]) throws -> [CheckedLink] {
        var names: [String: Int] = [:]
        return try links.enumerated().map { index, link in
            let path = "cluster.links[\(index)]"
            if let first = names.updateValue(index, forKey: link.name) {
                throw problem(
                    "\(path).name",
                    "the name \"\(link.name)\" is used by cluster.links[\(first)] too: each link needs its own"
                )
            }
            return try check(link, at: path)
        }
    }

    private func check(_ link: LinkSettings, at path: String) throws -> CheckedLink {
        if let fault = Self.nameFault(link.name) { throw problem("\(path).name", fault) }
        guard link.name != clusterName else {
            throw problem(
                "\(path).name",
                "\"\(link.name)\" is this cluster's own cluster.name: a link names the other cluster"
            )
        }
        guard (1...64).contains(link.connections) else {
            throw problem("\(path).pool_size", "\(link.connections) is not between 1 and 64")
        }
        guard link.maxInflight ?? 0 >= 0 else {
            throw problem("\(path).max_inflight", "a negative number makes no sense: use 0 for no limit")
        }
        try checkFiles(link, at: path)
        try checkRules(link, at: path)
        let servers = try servers(link, at: path)
        warnOfUncheckedPeers(link, servers, at: path)
        return CheckedLink(
            settings: link,
            servers: servers,
            topics: try topics(link.topics, at: path),
            password: try secret(link.password, at: "\(path).password")
        )
    }

    /// A cluster's name is one level of a topic.
    static func nameFault(_ name: String) -> String? {
        if name.isEmpty { return "the name is empty" }
        if name.utf8.count >= 255 { return "the name is longer than 254 bytes" }
        let isBad = name.unicodeScalars.contains { "/+#".unicodeScalars.contains($0) || $0.value <= 0x20 }
        return isBad ? "the name \"\(name)\" holds a blank or one of / + #: it is one level of a topic" : nil
    }

    private func servers(_ link: LinkSettings, at path: String) throws -> [ServerAddress] {
        do throws(ServerAddress.Problem) {
            let servers = try ServerAddress.list(link.server)
            guard link.usesTLS || !servers.contains(where: \.demandsTLS) else {
                throw ServerAddress.Problem(sentence: "mqtts:// asks for TLS: set ssl.enable = true, or use mqtt://")
            }
            return servers
        } catch {
            throw problem("\(path).server", error.sentence)
        }
    }

    /// A file that is missing would make each attempt to connect fail, for ever.
    private func checkFiles(_ link: LinkSettings, at path: String) throws {
        guard link.isEnabled, link.usesTLS, let ssl = link.ssl else { return }
        let files = [("cacertfile", ssl.cacertfile), ("certfile", ssl.certfile), ("keyfile", ssl.keyfile)]
        for case (let key, let file?) in files where !file.isEmpty && access(file, R_OK) != 0 {
            throw problem(
                "\(path).ssl.\(key)",
                "the file \(file) cannot be read: \(String(cString: strerror(errno))); correct the path"
            )
        }
    }

    private func checkRules(_ link: LinkSettings, at path: String) throws {
        guard let ssl = link.ssl else { return }
        if let depth = ssl.depth, !(0...100).contains(depth) {
            throw problem("\(path).ssl.depth", "\(depth) is not between 0 and 100")
        }
        if let versions = ssl.versions {
            if versions.isEmpty { throw problem("\(path).ssl.versions", "is empty: write [tlsv1.3, tlsv1.2]") }
            for (index, version) in versions.enumerated() where !["tlsv1.3", "tlsv1.2"].contains(version) {
                throw problem(
                    "\(path).ssl.versions[\(index)]",
                    "\"\(version)\" is not safe and not spoken: use tlsv1.3 and tlsv1.2",
                    fallback: "\(path).ssl.versions"
                )
            }
        }
        for name in ssl.ciphers?.names ?? [] where name.isEmpty || name.utf8.contains(UInt8(ascii: ":")) {
            throw problem("\(path).ssl.ciphers", "\"\(name)\" is no name of a cipher: see openssl ciphers -v")
        }
    }

    private func warnOfUncheckedPeers(_ link: LinkSettings, _ servers: [ServerAddress], at path: String) {
        guard link.isEnabled, link.usesTLS, link.ssl?.verify != "verify_peer",
            let server = servers.first(where: { !$0.isThisMachine })
        else { return }
        var place = host.origin("\(path).ssl.verify")
        if place == "default" { place = host.origin("\(path).server") }
        host.log(
            .warning,
            """
            \(place): \(path).ssl.verify: whoever answers for \(server.host) is taken for the cluster "\(link.name)": \
            set verify = verify_peer, and cacertfile to the authority of its certificate.
            """
        )
    }

    private func topics(_ texts: [String], at path: String) throws -> [Filter] {
        let filters = texts.map { Filter($0.utf8) }
        for (index, filter) in filters.enumerated() {
            let place = "\(path).topics[\(index)]"
            guard filter.withView(Text.isTopicFilter) else {
                throw problem(place, "\"\(texts[index])\" is not a valid topic filter", fallback: "\(path).topics")
            }
            guard !texts[index].hasPrefix("$LINK/"), texts[index] != "$LINK" else {
                throw problem(
                    place,
                    "\"\(texts[index])\" is reserved for the links themselves",
                    fallback: "\(path).topics"
                )
            }
            for other in filters.indices where other != index && Narrowing.isSubset(filter, of: filters[other]) {
                throw problem(
                    place,
                    "redundant_topics: \"\(texts[index])\" is covered by \"\(texts[other])\": remove it",
                    fallback: "\(path).topics"
                )
            }
        }
        return filters
    }

    /// `file://PATH` stands for the content of that file without trailing blanks.
    private func secret(_ text: String?, at path: String) throws -> [UInt8]? {
        guard let text else { return nil }
        let scheme = "file://"
        guard text.hasPrefix(scheme) else { return Array(text.utf8) }
        let name = String(text.dropFirst(scheme.count))
        guard let file = fopen(name, "re") else {
            throw problem(path, "the file \(name) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var content = [UInt8](repeating: 0, count: 65_536)
        content.removeLast(content.count - fread(&content, 1, content.count, file))
        while let last = content.last, last <= 0x20 { content.removeLast() }
        return content
    }

    private func problem(_ path: String, _ sentence: String, fallback: String? = nil) -> PluginError {
        var origin = host.origin(path)
        if origin == "default", let fallback { origin = host.origin(fallback) }
        return PluginError("\(origin): \(path): \(sentence).")
    }
}
