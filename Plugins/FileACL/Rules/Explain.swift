// SPDX-License-Identifier: Apache-2.0
// "Why may this client not publish there?" answered by the code that decides, with the rule and its place.

import PluginAPI

public struct Explanation: Equatable, Sendable {
    public let verdict: Verdict
    /// `file:line:column` of the rule that decided, nil if none did.
    public let place: String?
    public let sentence: String
}

extension RuleSet {
    public func explain(_ client: UnsafePointer<isth_client>, _ request: Request) -> Explanation {
        let subject = Subject(client)
        let index = ownRules(subject).withUnsafeBufferPointer { deciding(request, subject, own: $0) }
        let verdict = verdict(index, request)
        if index >= 0 {
            let (place, text) = rule(index)
            let verb = verdict == .allow ? "allowed" : "denied"
            return Explanation(verdict: verdict, place: place, sentence: "\(place): \(verb) by the rule \(text)")
        }
        let sentence =
            switch (request.isLink, verdict) {
            case (true, _): "Denied: topics below $LINK/ are closed unless a rule names them, as \"$LINK/#\" does."
            case (_, .deny): "Denied: no rule matches, and authorization.no_match is deny."
            default: "Allowed unless another plugin objects: no rule matches, and authorization.no_match is allow."
            }
        return Explanation(verdict: verdict, place: nil, sentence: sentence)
    }
}
