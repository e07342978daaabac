// SPDX-License-Identifier: Apache-2.0
// Why a plugin did not survive its trial process. In the broker itself the same would have ended the broker.

enum ProbeProblem: Error, Equatable {
    case cannotStart(String)
    case ended(ProbeReport.Ending, ProbeStage, said: String?)

    var sentence: String {
        switch self {
        case .cannotStart(let reason):
            "was not tried out: no trial process could be started (\(reason))"
        case .ended(let ending, let stage, let said):
            Self.what(ending) + " \(stage.text)" + (said.map { " (it said: \($0))" } ?? "")
                + "; to debug it, run `isthmus plugin-probe --fd 0\(stage == .open ? " --open" : "")` with the file as "
                + "standard input"
        }
    }

    private static func what(_ ending: ProbeReport.Ending) -> String {
        switch ending {
        case .finished: "ended"
        case .signal(let number): "crashed with \(signalName(number))"
        case .status(let status): "ended the process with status \(status)"
        case .timeout(let milliseconds): "did not come back for \(milliseconds) ms"
        }
    }

    private static func signalName(_ number: Int32) -> String {
        switch number {
        case 4: "SIGILL"
        case 5: "SIGTRAP"
        case 6: "SIGABRT"
        case 7: "SIGBUS"
        case 8: "SIGFPE"
        case 9: "SIGKILL"
        case 11: "SIGSEGV"
        case 14: "SIGALRM"
        case 15: "SIGTERM"
        case 31: "SIGSYS"
        default: "signal \(number)"
        }
    }
}
