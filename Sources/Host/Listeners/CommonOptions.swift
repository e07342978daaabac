// SPDX-License-Identifier: Apache-2.0
// The options that every kind of listener has.

import Broker
import Config
import Glibc

struct CommonOptions: Sendable {
    /// `nil` = no limit.
    var maximumConnections: Int?
    var admission = AdmissionRule.authenticated
    /// `nil` = topics are as the clients write them.
    var mountpoint: MountpointTemplate?
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
        mountpoint = try place.mountpoint()
        guard let text = place.value.string(at: "unix_socket_mode"), let mode = mode_t(text, radix: 8), mode <= 0o777
        else {
            throw place.error("unix_socket_mode", "is not a mode; write three octal digits in quotes, such as \"660\"")
        }
        unixMode = mode
    }
}

extension OptionsPlace {
    fileprivate func mountpoint() throws(StartError) -> MountpointTemplate? {
        guard let text = value.string(at: "mountpoint"), !text.isEmpty else { return nil }
        do throws(MountpointTemplate.Fault) {
            return try MountpointTemplate(text)
        } catch {
            throw self.error("mountpoint", error.sentence)
        }
    }
}

extension MountpointTemplate.Fault {
    fileprivate var sentence: String {
        switch self {
        case .unknownPlaceholder(let text):
            "has \(text), which is not served; ${clientid}, ${username} and ${zone} are"
        case .wildcard: "has a wildcard or a null character, which no topic may have; remove it"
        case .dollar: "begins with $: such topics are the broker's own; begin it with something else"
        }
    }
}
