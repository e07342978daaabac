// SPDX-License-Identifier: Apache-2.0
// The keys of a listener's `ssl_options`, and those of `mqtt` that are about certificates. A reload makes all of a
// listener's certificates anew, for the connections that come after it.

import Config

extension TLSOptions {
    static let settings: [Setting] = (identity + clients + protocolRules + unused).map {
        var setting = $0
        setting.reloadable = true
        return setting
    }

    /// `mqtt.*`
    static let certificateNames: [Setting] = ["username", "clientid"].map { name in
        Setting(
            "mqtt.peer_cert_as_\(name)",
            .choice(["disabled", "cn", "dn", "crt", "pem", "md5"]),
            fallback: "disabled",
            doc:
                "What of a client's verified certificate replaces the \(name) in its CONNECT: common name, subject, the "
                + "certificate as DER or PEM, or the MD5 of its DER in hexadecimal digits.",
            reloadable: true
        )
    }

    private static let identity: [Setting] = [
        Setting(
            "certfile",
            .optional(.string),
            doc: "PEM file with the listener's certificate, followed by those between it and its root. Required."
        ),
        Setting("keyfile", .optional(.string), doc: "PEM file with the private key of the certificate. Required."),
        Setting("password", .optional(.string), doc: "Password of an encrypted `keyfile`.", secret: true),
        Setting(
            "sni_certs",
            .array(.object),
            fallback: "[]",
            doc: "More certificates, for clients that ask for one of their `hosts`; EMQX has no such key."
        ),
        Setting("sni_certs[].hosts", .array(.string), doc: "Names such as `a.example`, or `*.a.example`."),
        Setting("sni_certs[].certfile", .string, doc: "As the listener's."),
        Setting("sni_certs[].keyfile", .string, doc: "As the listener's."),
        Setting("sni_certs[].password", .optional(.string), doc: "As the listener's.", secret: true),
    ]

    private static let clients: [Setting] = [
        Setting("cacertfile", .optional(.string), doc: "PEM file with the authorities whose clients are trusted."),
        Setting(
            "verify",
            .choice(["verify_peer", "verify_none"]),
            fallback: "verify_none",
            doc: "Whether clients are asked for a certificate, which then has to be of an authority in `cacertfile`."
        ),
        Setting(
            "fail_if_no_peer_cert",
            .bool,
            fallback: "false",
            doc: "With `verify_peer`: whether a client without a certificate is refused. Where it is, and no plugin "
                + "authenticates, a certificate admits clients from everywhere."
        ),
        Setting(
            "depth",
            .int,
            fallback: "10",
            doc: "Certificates there may be between a client's and its authority's.",
            minimum: 0,
            maximum: 100
        ),
        Setting(
            "enable_crl_check",
            .bool,
            fallback: "false",
            doc:
                "With `verify_peer`: whether a client's certificate is looked up in the revocation lists of `crlfile`. "
                + "EMQX fetches the lists from where the certificates say; this broker fetches nothing."
        ),
        Setting(
            "crlfile",
            .optional(.string),
            doc:
                "PEM file with a revocation list of every authority in use; SIGHUP reads it again. EMQX has no such key."
        ),
    ]

    private static let protocolRules: [Setting] = [
        Setting(
            "versions",
            .array(.choice(["tlsv1.3", "tlsv1.2"])),
            fallback: "[\"tlsv1.3\", \"tlsv1.2\"]",
            doc: "Versions of TLS that are spoken; older ones are not safe and not served."
        ),
        Setting(
            "ciphers",
            .union([.array(.string), .string]),
            fallback: "[]",
            doc: "Cipher suites by OpenSSL's names, as an array or with commas between; empty: what OpenSSL holds safe."
        ),
        Setting(
            "honor_cipher_order",
            .bool,
            fallback: "true",
            doc: "Whether the listener's order of `ciphers` decides, not the client's."
        ),
        Setting(
            "handshake_timeout",
            .duration,
            fallback: "15s",
            doc: "Time for the TLS handshake.",
            minimum: 1
        ),
        Setting(
            "session_tickets",
            .choice(["disabled", "stateless", "stateless_with_cert"]),
            fallback: "stateless",
            doc:
                "Whether clients that come again may leave most of the handshake out; `stateless`: unless they are asked "
                + "for certificates, `stateless_with_cert`: also then, and their certificates are not checked anew."
        ),
    ]

    private static let unused: [Setting] = [
        Setting(
            "client_renegotiation",
            .bool,
            fallback: "true",
            doc: "Accepted for EMQX's sake; renegotiation is never served."
        ),
        Setting("secure_renegotiate", .bool, fallback: "true", doc: "Accepted for EMQX's sake, as above."),
        Setting("reuse_sessions", .bool, fallback: "true", doc: "Accepted for EMQX's sake; see `session_tickets`."),
        Setting("hibernate_after", .duration, fallback: "5s", doc: "Accepted for EMQX's sake and not used."),
        Setting("gc_after_handshake", .bool, fallback: "false", doc: "Accepted for EMQX's sake and not used."),
        Setting("dhfile", .optional(.string), doc: "Accepted for EMQX's sake; keys are agreed on by elliptic curves."),
        Setting("log_level", .optional(.string), doc: "Accepted for EMQX's sake and not used."),
        Setting("user_lookup_fun", .optional(.string), doc: "Accepted for EMQX's sake and not used."),
        Setting(
            "ocsp.enable_ocsp_stapling",
            .bool,
            fallback: "false",
            doc: "Accepted for EMQX's sake: proofs of validity (OCSP) are not sent along."
        ),
        Setting("ocsp.responder_url", .optional(.string), doc: "Accepted for EMQX's sake and not used."),
        Setting("ocsp.issuer_pem", .optional(.string), doc: "Accepted for EMQX's sake and not used."),
        Setting("ocsp.refresh_interval", .duration, fallback: "5m", doc: "Accepted for EMQX's sake and not used."),
        Setting("ocsp.refresh_http_timeout", .duration, fallback: "15s", doc: "Accepted for EMQX's sake and not used."),
    ]
}
