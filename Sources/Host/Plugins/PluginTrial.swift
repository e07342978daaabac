// SPDX-License-Identifier: Apache-2.0
// A plugin between the checks of its headers, which its sealed copy has passed, and its loading: a child process tries
// it out. Several may be under way at a time.

final class PluginTrial {
    /// The libraries it asks for.
    let needed: [String]
    let process: ProbedProcess
    let copyPath: String
    private var copy: SealedCopy?

    init(_ copy: consuming SealedCopy, needed: [String], _ process: ProbedProcess) {
        copyPath = copy.path
        self.copy = consume copy
        self.needed = needed
        self.process = process
    }

    /// See SealedCopy.
    func leaveCopyOpen() {
        if let copy = copy.take() { copy.leaveOpen() }
    }
}
