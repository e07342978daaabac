// SPDX-License-Identifier: Apache-2.0
// A certificate that runs out is the commonest end of a TLS listener: it is told a month before.

import Reactor

enum CertificateWarnings {
    private static let day = 86_400

    static func tell(_ context: TLSContext, _ plan: ListenerPlan, _ log: Log) {
        for certificate in context.certificates where certificate.secondsLeft < 30 * day {
            log(.warning, "listener \(plan.name): \(sentence(certificate))")
        }
    }

    static func sentence(_ certificate: CertificateValidity) -> String {
        let days = abs(certificate.secondsLeft) / day
        let time = days == 0 ? "less than a day" : days == 1 ? "1 day" : "\(days) days"
        return certificate.secondsLeft < 0
            ? "the certificate \(certificate.file) expired \(time) ago: clients will refuse it; renew it and send SIGHUP"
            : "the certificate \(certificate.file) expires in \(time); renew it and send SIGHUP"
    }
}
