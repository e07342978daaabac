// SPDX-License-Identifier: Apache-2.0
// The options that every kind of listener has.

import Broker
import Config
import Glibc

struct CommonOptions: Sendable {
    /// `nil` = no limit.
    var maximumConnections: Int?
    var admission = AdmissionRule.authenticated
    /// Of a Unix socket's file.
    var unixMode: mode_t = 0o660

    init() {}

    init(_ place: OptionsPlace) throws(StartError) {
        maximumConnections = place.value.int(at: "max_connections")
        switch (place.value.bool(at: "enable_authn"), place.value.string(at: "enable_authn")) {
        case (false?, _): admission = .everybody
        case (_, "quick_deny_anonymous"?): admission = .named
        default: admission = .authenticated
        }
        guard let text = place.value.string(at: "unix_socket_mode"), let mode = mode_t(text, radix: 8), mode <= 0o777
        else {
            throw place.error("unix_socket_mode", "is not a mode; write three octal digits in quotes, such as \"660\"")
        }
        unixMode = mode
    }
}
