// SPDX-License-Identifier: Apache-2.0
// `bind` as EMQX writes it: `1883` (every address), `"127.0.0.1:1883"`, `"[::1]:1883"`, `":1883"`; and the path of a
// Unix socket: `"unix:/run/isthmus.sock"`, `"/run/isthmus.sock"`.

import Config
import Reactor

extension Endpoint {
    init?(bind: Value) {
        if let port = bind.int() {
            guard let port = UInt16(exactly: port) else { return nil }
            self = .tcp(host: "", port: port)
            return
        }
        guard let text = bind.string() else { return nil }
        if text.hasPrefix("/") || text.hasPrefix("unix:") {
            let path = text.hasPrefix("/") ? text : String(text.dropFirst(5))
            if path.isEmpty { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else {
            guard let port = UInt16(text) else { return nil }
            self = .tcp(host: "", port: port)
            return
        }
        var host = text[..<colon]
        guard let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self = .tcp(host: String(host), port: port)
    }
}
