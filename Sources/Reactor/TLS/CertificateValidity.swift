// SPDX-License-Identifier: Apache-2.0
// Until when a certificate that was loaded is good.

import COpenSSL

public struct CertificateValidity: Equatable, Sendable {
    public let file: String
    /// From the time of loading; negative once it has expired.
    public let secondsLeft: Int

    init?(_ file: String, _ context: OpaquePointer) {
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard let certificate = SSL_CTX_get0_certificate(context),
            ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(certificate)) == 1
        else { return nil }
        self.file = file
        secondsLeft = Int(days) * 86_400 + Int(seconds)
    }
}
