// SPDX-License-Identifier: Apache-2.0
// The version of this host, in the one place that everything that shows it reads.

enum Version {
    static let text = "0.1.0"
}
