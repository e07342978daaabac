// SPDX-License-Identifier: Apache-2.0
// The plugin: checks user name (or client identifier) and password against the users of its chain. Fast digests are
// compared on the client's loop; bcrypt and PBKDF2 go to the host's pool of threads and answer later.

import PasswordAuthUsers
import PluginAPI
import PluginKit
import Synchronization

final class PasswordAuth: Plugin {
    static let name: StaticString = "PasswordAuth"
    static let version: StaticString = "0.1.0"
    static let flags: PluginFlags = .guards
    static let settings = passwordAuthSettings

    let host: PluginHost
    private let chain = Mutex(Chain())

    init(host: PluginHost) { self.host = host }

    func start(hooks: inout isth_hooks) throws {
        let loaded = try loadChain(Chain())
        chain.withLock { $0 = loaded }
        // With the hooks a client that no plugin knows is refused, so an empty chain must not have them.
        guard !loaded.isEmpty else {
            host.log(
                .info,
                "authentication is empty, so PasswordAuth checks nobody: add an entry, or unload the plugin."
            )
            return
        }
        hooks.client_authenticate = { me, client, ticket, password in
            PasswordAuth.with(me) { $0.authenticate(client, ticket, password.view) }
        }
        hooks.client_auth_step = { me, client, ticket, phase, method, data in
            PasswordAuth.with(me) { $0.step(client, ticket, phase, method.view, data.view) }
        }
        hooks.client_closed = { _, client, _, _ in ClientSlot<SCRAMExchange>.set(nil, of: client) }
    }

    func scramTables(_ method: BytesView) -> [SCRAMTable] { chain.withLock { $0 }.scramTables(method) }

    func reload() throws {
        let current = chain.withLock { $0 }
        let loaded = try loadChain(current)
        let wasEmpty = current.isEmpty
        guard !wasEmpty || loaded.isEmpty else {
            throw PluginError("authentication was empty when the broker started: restart it to check passwords.")
        }
        if loaded.isEmpty && !wasEmpty {
            host.log(.info, "authentication is empty now: until the broker is restarted, nobody can log in.")
        }
        chain.withLock { $0 = loaded }
    }

    private func authenticate(
        _ client: UnsafePointer<isth_client>,
        _ ticket: isth_id,
        _ password: BytesView
    ) -> isth_result {
        guard client.pointee.has(ISTH_CLIENT_HAS_PASSWORD) else { return isth_result(ISTH_NEXT) }
        let chain = chain.withLock { $0 }
        for authenticator in chain.authenticators {
            guard let userID = authenticator.userID(of: client), let credential = authenticator.users[userID] else {
                continue
            }
            let algorithm = authenticator.users.algorithm
            guard algorithm.isSlow else {
                return algorithm.accepts(password, credential)
                    ? host.admit(ticket, credential) : isth_result(ISTH_DENY)
            }
            let attempt = Attempt(
                host: host,
                ticket: ticket,
                algorithm: algorithm,
                credential: credential,
                password: password.array
            )
            return attempt.verdict(userID, chain.verified)
        }
        return isth_result(ISTH_NEXT)
    }
}

extension PluginHost {
    /// Only an answer can say that the client is a superuser.
    fileprivate func admit(_ ticket: isth_id, _ credential: Credential) -> isth_result {
        guard credential.isSuperuser else { return isth_result(ISTH_ALLOW) }
        answer(ticket, ISTH_ALLOW, superuser: true)
        return isth_result(ISTH_LATER)
    }
}

extension Authenticator {
    /// Nil if the client gave none.
    fileprivate func userID(of client: UnsafePointer<isth_client>) -> [UInt8]? {
        switch userIDType {
        case .clientid: client.pointee.client_id.view.array
        case .username: client.pointee.has(ISTH_CLIENT_HAS_USERNAME) ? client.pointee.username.view.array : nil
        }
    }
}

/// A known user with some password, under a slow algorithm: copies of all that the verdict needs, as it outlives the hook.
private struct Attempt: Sendable {
    let host: PluginHost
    let ticket: isth_id
    let algorithm: Algorithm
    let credential: Credential
    let password: [UInt8]

    func verdict(_ userID: [UInt8], _ verified: CredentialCache) -> isth_result {
        let key = verified.key(userID, password, credential)
        if let key, verified.contains(key) { return host.admit(ticket, credential) }
        let accepted = host.runBlocking {
            let isRight = password.withBytes { algorithm.accepts($0.view, credential) }
            if isRight, let key { verified.insert(key) }
            host.answer(ticket, isRight ? ISTH_ALLOW : ISTH_DENY, superuser: isRight && credential.isSuperuser)
        }
        if !accepted {
            host.answer(
                ticket,
                ISTH_DENY,
                reasonCode: serverBusy,
                reason: "Too many passwords are being checked: try again."
            )
        }
        return isth_result(ISTH_LATER)
    }
}

/// MQTT 5 reason code of CONNACK.
private let serverBusy: UInt8 = 0x89

@c @implementation
public func isth_plugin_abi() -> UInt32 { pluginABI }

@c @implementation
public func isth_plugin_open(_ host: UnsafePointer<isth_host>, _ out: UnsafeMutablePointer<isth_plugin>) -> Int32 {
    openPlugin(PasswordAuth.self, host, out)
}
