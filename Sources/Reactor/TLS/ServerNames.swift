// SPDX-License-Identifier: Apache-2.0
// More certificates of one TLS listener, chosen by the name that the client asks for (SNI).

import COpenSSL
import Glibc

/// Immutable once made; owned by the SSL_CTX whose handshakes ask it, and asked on every loop.
final class ServerNames: @unchecked Sendable {
    private var exact: [String: OpaquePointer] = [:]
    /// By what follows the "*": ".a.example".
    private var wildcard: [String: OpaquePointer] = [:]
    private var contexts: [OpaquePointer] = []

    deinit { for context in contexts { SSL_CTX_free(context) } }

    /// Takes over `context`. What came first counts.
    func add(_ context: OpaquePointer, for hosts: [String]) {
        contexts.append(context)
        for host in hosts {
            let host = Self.normal(host[...])
            if host.hasPrefix("*.") {
                wildcard[String(host.dropFirst())] = wildcard[String(host.dropFirst())] ?? context
            } else {
                exact[host] = exact[host] ?? context
            }
        }
    }

    func context(for name: String) -> OpaquePointer? {
        let name = Self.normal(name[...])
        if let context = exact[name] { return context }
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return nil }
        return wildcard[String(name[dot...])]
    }

    private static func normal(_ name: Substring) -> String {
        (name.hasSuffix(".") ? name.dropLast() : name).lowercased()
    }

    /// Hands this table over to `context`, whose handshakes it serves from now on.
    func serve(_ context: OpaquePointer) -> Bool {
        let table = Unmanaged.passRetained(self)
        guard let index = contextIndex, SSL_CTX_set_ex_data(context, index, table.toOpaque()) == 1 else {
            table.release()
            return false
        }
        openssl_ctx_set_servername_callback(
            context,
            { ssl, _, table in
                guard let ssl, let table, let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else {
                    return SSL_TLSEXT_ERR_NOACK
                }
                let names = Unmanaged<ServerNames>.fromOpaque(table).takeUnretainedValue()
                // Only certificate, authorities and ciphers follow; rules that the session took from the listener stay.
                if let context = names.context(for: String(cString: name)) { SSL_set_SSL_CTX(ssl, context) }
                return SSL_TLSEXT_ERR_OK
            },
            table.toOpaque()
        )
        return true
    }
}

/// Where an SSL_CTX keeps its table; OpenSSL lets go of the table with the SSL_CTX, which may outlive a reload.
private let contextIndex: Int32? = {
    let index = openssl_ctx_new_index { _, table, _, _, _, _ in
        if let table { Unmanaged<ServerNames>.fromOpaque(table).release() }
    }
    return index >= 0 ? index : nil
}()
