// SPDX-License-Identifier: Apache-2.0
// A plugin with one authentication method: it sends "challenge" and wants "response" for it. Data "once" is enough at
// once, and "later" puts each answer off until the test gives it.

import MQTT
import PluginAPI

@testable import Broker

final class ChallengePlugin {
    let plugin = ScriptedPlugin()
    let method: String
    var putsOff = false
    private(set) var asked: [String] = []
    private var waiting: [(ticket: UInt64, answer: HookAnswer)] = []

    init(_ method: String = "challenge") {
        self.method = method
        plugin.authStep = { [self] client, ticket, phase, method, data in
            step(client, ticket, phase, method, data)
        }
    }

    private func step(_ client: isth_client, _ ticket: UInt64, _ phase: Int, _ method: String, _ data: String) -> Int {
        asked.append("\(phase) \(method) \(data)")
        guard method == self.method else { return Int(ISTH_NEXT) }
        let answer: HookAnswer
        switch (phase, data) {
        case (Int(ISTH_AUTH_CONTINUE), "response"), (_, "once"): answer = success
        case (Int(ISTH_AUTH_CONTINUE), "error"): return Int(ISTH_ERROR)
        case (Int(ISTH_AUTH_CONTINUE), "next"): return Int(ISTH_NEXT)
        case (Int(ISTH_AUTH_CONTINUE), "bare"): return Int(ISTH_ALLOW)
        case (Int(ISTH_AUTH_CONTINUE), "again"), (Int(ISTH_AUTH_START), _), (Int(ISTH_AUTH_REAUTH), _):
            answer = Self.goOn("challenge")
        default: answer = refusal
        }
        if putsOff {
            waiting.append((ticket, answer))
        } else {
            _ = plugin.world.broker.answer(ticket, answer)
        }
        return Int(ISTH_LATER)
    }

    static func goOn(_ data: String) -> HookAnswer {
        var answer = HookAnswer(result: Int32(ISTH_ALLOW))
        answer.continues = true
        answer.details = AnswerDetails(authenticationData: Array(data.utf8))
        return answer
    }

    private var success: HookAnswer {
        var answer = HookAnswer(result: Int32(ISTH_ALLOW))
        answer.isSuperuser = true
        answer.details = AnswerDetails(userName: Array("ann".utf8), authenticationData: Array("welcome".utf8))
        return answer
    }

    private var refusal: HookAnswer {
        var answer = HookAnswer(result: Int32(ISTH_DENY))
        answer.details = AnswerDetails(reason: Array("wrong response".utf8))
        return answer
    }

    /// Gives the oldest answer that was put off. Returns whether somebody waited for it.
    func answer() -> Bool {
        guard !waiting.isEmpty else { return false }
        let (ticket, answer) = waiting.removeFirst()
        let isAwaited = plugin.world.broker.answer(ticket, answer)
        plugin.world.settle()
        return isAwaited
    }
}
