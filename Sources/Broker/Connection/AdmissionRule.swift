// SPDX-License-Identifier: Apache-2.0
// How the clients of a listener are let in: `enable_authn` of its configuration.

public enum AdmissionRule: UInt8, Sendable {
    /// By the plugins that authenticate; without any, this machine's own and those with a certificate.
    case authenticated
    /// The same, but whoever shows neither a user name nor a certificate is refused unasked.
    case named
    /// Nobody is asked anything.
    case everybody
}
