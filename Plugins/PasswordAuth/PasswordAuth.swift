// SPDX-License-Identifier: Apache-2.0
// The plugin: checks user name (or client identifier) and password against the users of its chain. Fast digests are
// compared on the client's loop; bcrypt and PBKDF2 go to the host's pool of threads and answer later. Whoever is unknown
// takes as long as somebody known: a password is compared with a decoy.

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
    private let waiting = WaitingHashes()
    /// The counter of passwords that were not checked; 0: nobody counts.
    private let refusals = Mutex<isth_id>(0)

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
        hooks.client_connected = { _, client in ClientSlot<Pending>.set(nil, of: client) }
        hooks.client_closed = { _, client, _, _ in
            ClientSlot<Pending>.object(of: client)?.hash?.abandon()
            ClientSlot<Pending>.set(nil, of: client)
        }
        if let service = host.service("metrics/1", as: isth_metrics_service.self) {
            let name = "password_hashes_refused" as StaticString
            let topic = "metrics/password_hashes/refused" as StaticString
            let counter = service.pointee.counter(
                host.ctx,
                isth_str(BytesView(name)),
                nil,
                0,
                isth_str(BytesView(topic))
            )
            refusals.withLock { $0 = counter }
        }
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
        guard let subject = chain.subject(client) else { return isth_result(ISTH_NEXT) }
        guard subject.credential.algorithm.isSlow else {
            let isRight = subject.credential.accepts(password)
            guard subject.isKnown else { return isth_result(ISTH_NEXT) }
            return isRight ? host.admit(ticket, subject.credential) : isth_result(ISTH_DENY)
        }
        return checkLater(client, ticket, subject, password.array, chain.verified)
    }

    private func checkLater(
        _ client: UnsafePointer<isth_client>,
        _ ticket: isth_id,
        _ subject: Subject,
        _ password: [UInt8],
        _ verified: CredentialCache
    ) -> isth_result {
        let key = verified.key(subject.userID, password, subject.credential)
        if subject.isKnown, let key, verified.contains(key) { return host.admit(ticket, subject.credential) }
        let address = client.pointee.peer_addr.view.array
        let place = waiting.enter(
            subject.userID,
            from: address,
            perUser: subject.authenticator.maxWaitingPerUser,
            perAddress: subject.authenticator.maxWaitingPerAddress
        )
        guard let place else { return refuse(ticket, address) }
        ClientSlot.set(Pending(hash: place), of: client)
        let host = host
        let accepted = host.runBlocking {
            guard place.begin() else { return }
            let matches = password.withBytes { subject.credential.accepts($0.view) }
            place.end()
            guard subject.isKnown else {
                _ = host.answer(ticket, ISTH_NEXT)
                return
            }
            if matches, let key { verified.insert(key) }
            host.answer(ticket, matches ? ISTH_ALLOW : ISTH_DENY, superuser: matches && subject.credential.isSuperuser)
        }
        guard accepted else {
            place.abandon()
            return refuse(ticket, address)
        }
        return isth_result(ISTH_LATER)
    }

    private func refuse(_ ticket: isth_id, _ address: [UInt8]) -> isth_result {
        let counter = refusals.withLock { $0 }
        if counter != 0 { host.service("metrics/1", as: isth_metrics_service.self)?.pointee.add(host.ctx, counter, 1) }
        let from = String(decoding: address, as: UTF8.self)
        host.log(
            .warning,
            "passwords that are not checked as too many wait",
            about: from,
            "A password from \(from.isEmpty ? "a local socket" : from) is not checked: too many wait for this user, from this "
                + "address or in all (max_waiting_per_user, max_waiting_per_address). Somebody may be guessing."
        )
        host.answer(
            ticket,
            ISTH_DENY,
            reasonCode: serverBusy,
            reason: "Too many passwords are being checked: try again."
        )
        return isth_result(ISTH_LATER)
    }
}

/// What hangs in a connection's slot until it is connected, or authenticated again.
final class Pending {
    let exchange: SCRAMExchange?
    let hash: WaitingHash?

    init(exchange: SCRAMExchange? = nil, hash: WaitingHash? = nil) {
        self.exchange = exchange
        self.hash = hash
    }
}

/// Whom a client says it is, and what its password is compared with.
private struct Subject: Sendable {
    let authenticator: Authenticator
    let userID: [UInt8]
    let credential: Credential
    /// False: the credential is somebody else's, and whatever the comparison says, the client is not let in.
    let isKnown: Bool
}

extension Chain {
    /// The first entry that knows the user, or for a stranger one of those that would be asked. Nil if none would.
    fileprivate func subject(_ client: UnsafePointer<isth_client>) -> Subject? {
        var strangers: [Subject] = []
        for authenticator in authenticators {
            guard let userID = authenticator.userID(of: client) else { continue }
            if let credential = authenticator.users[userID] {
                return Subject(authenticator: authenticator, userID: userID, credential: credential, isKnown: true)
            }
            guard let decoy = authenticator.users.decoy(for: userID) else { continue }
            strangers.append(Subject(authenticator: authenticator, userID: userID, credential: decoy, isKnown: false))
        }
        return strangers.first.flatMap { pick(from: strangers, for: $0.userID) }
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

/// MQTT 5 reason code of CONNACK.
private let serverBusy: UInt8 = 0x89

@c @implementation
public func isth_plugin_abi() -> UInt32 { pluginABI }

@c @implementation
public func isth_plugin_open(_ host: UnsafePointer<isth_host>, _ out: UnsafeMutablePointer<isth_plugin>) -> Int32 {
    openPlugin(PasswordAuth.self, host, out)
}
