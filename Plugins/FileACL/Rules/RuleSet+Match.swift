// SPDX-License-Identifier: Apache-2.0
// Deciding one request: the first rule whose action, condition and topic match. This runs for publishes and
// subscribes that the host does not remember: no allocation, no String, no reference counting in here.

import Glibc
import PluginAPI
import PluginKit

/// Who asks, as views that live as long as the hook's call.
public struct Subject {
    public var clientID: BytesView
    public var username: BytesView?
    public var listener: BytesView
    public var peer: BytesView
    public var commonName: BytesView

    @inline(__always)
    public init(_ client: UnsafePointer<isth_client>) {
        clientID = client.pointee.client_id.view
        username = client.pointee.has(ISTH_CLIENT_HAS_USERNAME) ? client.pointee.username.view : nil
        listener = client.pointee.listener.view
        peer = client.pointee.peer_addr.view
        commonName = client.pointee.tls_common_name.view
    }
}

/// What is asked.
public struct Request {
    public enum Access: UInt8, Sendable {
        case publish = 1
        case subscribe = 2
    }
    let access: Access
    let topic: BytesView
    let qos: UInt8
    let retain: Bool
    /// `$LINK/...` carries what other brokers send: only rules that name it are about it.
    public let isLink: Bool

    @inline(__always)
    public init(_ access: Access, _ topic: BytesView, qos: UInt8, retain: Bool) {
        self.access = access
        self.topic = topic
        self.qos = qos
        self.retain = retain
        isLink = topic.hasPrefix("$LINK") && (topic.count == 5 || topic[5] == UInt8(ascii: "/"))
    }
}

public enum Verdict: Equatable, Sendable {
    case allow
    case deny
    /// No rule matches and `no_match` is allow: another plugin may still object.
    case next
}

extension RuleSet {
    /// The index of the rule that decides, -1 if none does; `own` are the rules about the client that are not for
    /// everybody.
    @inline(__always)
    func deciding(_ request: Request, _ subject: Subject, own: UnsafeBufferPointer<UInt32>) -> Int {
        let common = firstForEverybody(request, subject)
        for index in own {
            if index >= common { break }
            if matches(rules[Int(index)], request, subject) { return Int(index) }
        }
        return common == UInt32.max ? -1 : Int(common)
    }

    /// `UInt32.max` if none matches.
    private func firstForEverybody(_ request: Request, _ subject: Subject) -> UInt32 {
        var first = UInt32.max
        func look(_ entries: UnsafeBufferPointer<TopicIndex.Entry>) {
            for entry in entries {
                if entry.rule >= first { break }
                if matches(entry, request, subject) {
                    first = entry.rule
                    break
                }
            }
        }
        forEverybody.forEachRun(of: request.topic) { look($0) }
        look(UnsafeBufferPointer(forEverybody.unanchored))
        return first
    }

    @inline(__always)
    private func matches(_ entry: TopicIndex.Entry, _ request: Request, _ subject: Subject) -> Bool {
        let rule = rules[Int(entry.rule)]
        guard concerns(rule, request) else { return false }
        return entry.topic == TopicIndex.anyTopic
            ? !request.isLink : matches(topics[Int(entry.topic)], request, subject, rule.permission)
    }

    @inline(__always)
    func verdict(_ rule: Int, _ request: Request) -> Verdict {
        if rule >= 0 { return rules[rule].permission == .allow ? .allow : .deny }
        return request.isLink || noMatch == .deny ? .deny : .next
    }

    @inline(__always)
    private func matches(_ rule: CompiledRule, _ request: Request, _ subject: Subject) -> Bool {
        guard concerns(rule, request) else { return false }
        if rule.topics.isEmpty { return !request.isLink }
        for index in rule.topics where matches(topics[Int(index)], request, subject, rule.permission) { return true }
        return false
    }

    /// Whether the rule's action is what is asked for.
    @inline(__always)
    private func concerns(_ rule: CompiledRule, _ request: Request) -> Bool {
        guard rule.wants & request.access.rawValue != 0, rule.qos >> request.qos & 1 != 0 else { return false }
        return rule.retain == .either || request.access != .publish || (rule.retain == .set) == request.retain
    }

    private func matches(
        _ topic: CompiledTopic,
        _ request: Request,
        _ subject: Subject,
        _ permission: Permission
    ) -> Bool {
        if request.isLink && !topic.namesLink { return false }
        let asked = request.topic
        var place = 0
        for index in topic.steps {
            let step = steps[Int(index)]
            switch step.kind {
            case .bytes:
                let run = BytesView(
                    bytes.baseAddress.map { UnsafePointer($0 + Int(step.offset)) },
                    count: Int(step.count)
                )
                guard follows(run, asked, place) else { return false }
                place += run.count
            case .level:
                // [MQTT-4.7.2-1]
                if place == 0 && asked.count > 0 && asked[0] == UInt8(ascii: "$") { return false }
                let start = place
                while place < asked.count && asked[place] != UInt8(ascii: "/") { place += 1 }
                // `+` is narrower than the `#` somebody wants to subscribe to, so it does not allow it.
                if permission == .allow && place == start + 1 && asked[start] == UInt8(ascii: "#") { return false }
            case .below: return place == asked.count || asked[place] == UInt8(ascii: "/")
            case .anything: return asked.count == 0 || asked[0] != UInt8(ascii: "$")
            case .clientID, .username, .commonName:
                guard let value = value(step.kind, subject), isUsable(value, at: place), follows(value, asked, place)
                else { return false }
                place += value.count
            case .never: return false
            }
        }
        return place == asked.count
    }

    @inline(__always)
    private func follows(_ run: BytesView, _ asked: BytesView, _ place: Int) -> Bool {
        asked.count - place >= run.count && run[0] == asked[place]
            && memcmp(run.base, asked.base + place, run.count) == 0
    }

    private func value(_ kind: CompiledStep.Kind, _ subject: Subject) -> BytesView? {
        switch kind {
        case .clientID: subject.clientID
        case .username: subject.username
        default: subject.commonName
        }
    }

    /// A value with a wildcard or a slash would widen the rule, as would one that turns the topic into a `$`-topic;
    /// a missing one would shorten it.
    private func isUsable(_ value: BytesView, at place: Int) -> Bool {
        guard value.count > 0, place > 0 || value[0] != UInt8(ascii: "$") else { return false }
        for byte in value.buffer
        where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "/") {
            return false
        }
        return true
    }
}
