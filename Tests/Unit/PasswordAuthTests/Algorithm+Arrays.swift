// SPDX-License-Identifier: Apache-2.0
// Passwords as the tests write them.

import PluginKit

@testable import PasswordAuthUsers

extension Algorithm {
    func accepts(_ password: [UInt8], _ credential: Credential) -> Bool {
        password.withBytes { accepts($0.view, credential) }
    }
}
