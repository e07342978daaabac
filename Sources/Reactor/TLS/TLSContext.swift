// SPDX-License-Identifier: Apache-2.0
// Certificates, keys and rules of one TLS listener or client, shared by all its connections on all loops. A reload
// makes a new SSL_CTX and swaps it: connections that live keep the old one, tickets stay good.

import COpenSSL
import Glibc

/// Thread safety: `context` and `settings` are guarded by `lock`; an SSL_CTX itself may be used by many threads.
public final class TLSContext: @unchecked Sendable {
    private let lock = Lock()
    private var context: OpaquePointer
    private var settings: TLSSettings
    private var validities: [CertificateValidity] = []

    /// How long the certificates in use are good.
    public var certificates: [CertificateValidity] { lock.withLock { validities } }

    /// Reads the files. The error names the file and what is wrong with it.
    public init(_ settings: TLSSettings) throws(ReactorError) {
        context = try Self.build(settings, &validities)
        self.settings = settings
    }

    deinit { SSL_CTX_free(context) }

    /// Reads the files anew and uses them for connections from now on. On error everything stays as it was.
    public func reload(_ newSettings: TLSSettings) throws(ReactorError) {
        var read: [CertificateValidity] = []
        let fresh = try Self.build(newSettings, &read)
        let times = read
        let old = lock.withLock {
            var keys = [UInt8](repeating: 0, count: OPENSSL_TICKET_KEYS_LENGTH)
            // A resumed session is not checked anew: where peers are checked, the new rules are for everybody.
            if !newSettings.verifyPeer, openssl_ctx_get_ticket_keys(context, &keys) == 1 {
                _ = openssl_ctx_set_ticket_keys(fresh, &keys)
            }
            let old = context
            context = fresh
            settings = newSettings
            validities = times
            return old
        }
        SSL_CTX_free(old)
    }

    /// A session for one stream. A client names the server: the name is sent to it (SNI), and its certificate must be
    /// for that name or address.
    public func makeSession(serverName: String? = nil) throws(ReactorError) -> TLSSession {
        let (ssl, settings) = lock.withLock { (SSL_new(context), self.settings) }
        guard let ssl else {
            throw ReactorError("cannot make a TLS session: \(TLSError.takeReasons().text); free memory")
        }
        let session = TLSSession(ssl: ssl, settings: settings, serverName: serverName)
        if settings.role == .client, let serverName, !session.expect(serverName) {
            throw ReactorError("'\(serverName)' is no server name for TLS; give a host name or an address")
        }
        return session
    }

    // MARK: - Building

    private static func build(
        _ settings: TLSSettings,
        _ validities: inout [CertificateValidity]
    ) throws(ReactorError) -> OpaquePointer {
        ERR_clear_error()
        let isServer = settings.role == .server
        guard let context = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw ReactorError("cannot make a TLS context: \(TLSError.takeReasons().text); free memory")
        }
        do throws(ReactorError) {
            try setRules(context, settings)
            try loadIdentity(context, settings)
            try loadAuthorities(context, settings)
            if let file = settings.certificateFile, let validity = CertificateValidity(file, context) {
                validities.append(validity)
            }
            try loadNamedCertificates(context, settings, &validities)
        } catch {
            SSL_CTX_free(context)
            ERR_clear_error()
            throw error
        }
        return context
    }

    private static func setRules(_ context: OpaquePointer, _ settings: TLSSettings) throws(ReactorError) {
        // 9 KB less per idle connection, for 80 ns a record.
        openssl_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
        openssl_ctx_disable_session_cache(context)
        openssl_ctx_refuse_renegotiation(context)
        if settings.prefersOwnCipherOrder { openssl_ctx_prefer_server_ciphers(context) }
        SSL_CTX_set_num_tickets(context, settings.givesTickets ? 1 : 0)
        if !settings.givesTickets { openssl_ctx_disable_tickets(context) }
        // Without an id, resuming a session with a client certificate is a fatal error.
        SSL_CTX_set_session_id_context(context, "isthmus", 7)
        let versions = [TLSVersion.v12: TLS1_2_VERSION, .v13: TLS1_3_VERSION]
        guard settings.minimumVersion <= settings.maximumVersion, let minimum = versions[settings.minimumVersion],
            let maximum = versions[settings.maximumVersion], openssl_ctx_set_versions(context, minimum, maximum) == 1
        else { throw ReactorError("the TLS versions exclude each other; set the lower one first") }
        try setCiphers(context, settings.ciphers)
    }

    private static func setCiphers(_ context: OpaquePointer, _ ciphers: [String]) throws(ReactorError) {
        let new = ciphers.filter { $0.hasPrefix("TLS_") }
        let old = ciphers.filter { !$0.hasPrefix("TLS_") }
        // AES-128-GCM is the cheapest by measurement; whatever else the system allows stays possible.
        let newList = new.isEmpty ? "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256" : ""
        let oldList = old.isEmpty ? "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:DEFAULT" : ""
        if SSL_CTX_set_ciphersuites(context, newList + new.joined(separator: ":")) != 1
            || SSL_CTX_set_cipher_list(context, oldList + old.joined(separator: ":")) != 1
        {
            throw ReactorError("unknown cipher among \(ciphers.joined(separator: ", ")); see 'openssl ciphers -v'")
        }
    }

    private static func loadIdentity(_ context: OpaquePointer, _ settings: TLSSettings) throws(ReactorError) {
        guard let certificate = settings.certificateFile else {
            if settings.role == .server { throw ReactorError("a TLS listener needs a certificate; set certfile") }
            return
        }
        guard let key = settings.keyFile else {
            throw ReactorError("the certificate \(certificate) needs its private key; set keyfile")
        }
        try checkReadable(certificate, "certificate")
        if SSL_CTX_use_certificate_chain_file(context, certificate) != 1 {
            throw IdentityProblem.certificate(certificate)
        }
        try checkReadable(key, "private key")
        let loaded = withPassword(settings.keyPassword, context) {
            SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM)
        }
        if loaded == 1, SSL_CTX_check_private_key(context) == 1 { return }
        throw IdentityProblem.key(key, certificate, hasPassword: settings.keyPassword != nil)
    }

    private static func loadAuthorities(_ context: OpaquePointer, _ settings: TLSSettings) throws(ReactorError) {
        SSL_CTX_set_verify_depth(context, settings.verifyDepth)
        guard settings.verifyPeer else {
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            // Certificates between the listener's own and its root may stand there, too: OpenSSL sends them along.
            if settings.role == .server, let file = settings.caFile { try load(authorities: file, context) }
            return
        }
        let refuse = settings.requirePeerCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | refuse, nil)
        guard let file = settings.caFile else {
            if settings.role == .server {
                throw ReactorError("a TLS listener that verifies clients needs their authorities; set cacertfile")
            }
            SSL_CTX_set_default_verify_paths(context)
            return
        }
        try load(authorities: file, context)
        try loadRevocations(context, settings)
        // The client learns which of its certificates may do.
        if settings.role == .server { SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file)) }
    }

    private static func load(authorities file: String, _ context: OpaquePointer) throws(ReactorError) {
        try checkReadable(file, "authorities")
        if SSL_CTX_load_verify_locations(context, file, nil) != 1 { throw broken(file, "list of authorities") }
    }

    private static func loadRevocations(
        _ context: OpaquePointer,
        _ settings: TLSSettings
    ) throws(ReactorError) {
        guard let file = settings.revocationFile else { return }
        try checkReadable(file, "revocation list")
        let store = SSL_CTX_get_cert_store(context)
        guard let lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file()),
            X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) > 0,
            X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK)) == 1
        else { throw broken(file, "revocation list") }
    }

    /// Whole contexts, since a session takes the authorities, too, from the one that its name leads to.
    private static func loadNamedCertificates(
        _ context: OpaquePointer,
        _ settings: TLSSettings,
        _ validities: inout [CertificateValidity]
    ) throws(ReactorError) {
        if settings.namedCertificates.isEmpty { return }
        let names = ServerNames()
        for named in settings.namedCertificates {
            var own = settings
            own.namedCertificates = []
            own.certificateFile = named.certificateFile
            own.keyFile = named.keyFile
            own.keyPassword = named.keyPassword
            names.add(try build(own, &validities), for: named.hosts)
        }
        guard names.serve(context) else {
            throw ReactorError("cannot make a TLS context: \(TLSError.takeReasons().text); free memory")
        }
    }

    private static func checkReadable(_ file: String, _ what: String) throws(ReactorError) {
        let fd = open(file, O_RDONLY | O_CLOEXEC)
        if fd < 0 {
            throw ReactorError("cannot read the \(what) file \(file): \(describeError(errno)); check the path")
        }
        close(fd)
    }

    private static func broken(_ file: String, _ what: String) -> ReactorError {
        ReactorError("the file \(file) holds no usable \(what): \(TLSError.takeReasons().text); give a PEM file")
    }

    /// OpenSSL asks a callback for the password; without one it would ask the terminal.
    private static func withPassword(_ password: String?, _ context: OpaquePointer, _ load: () -> Int32) -> Int32 {
        var text = Array((password ?? "").utf8CString)
        return text.withUnsafeMutableBufferPointer { buffer in
            SSL_CTX_set_default_passwd_cb_userdata(context, buffer.baseAddress)
            SSL_CTX_set_default_passwd_cb(context) { target, capacity, _, userdata in
                guard let target, let userdata else { return 0 }
                let length = strlen(userdata.assumingMemoryBound(to: CChar.self))
                guard length <= Int(capacity) else { return 0 }
                memcpy(target, userdata, length)
                return Int32(length)
            }
            defer { SSL_CTX_set_default_passwd_cb_userdata(context, nil) }
            return load()
        }
    }
}
