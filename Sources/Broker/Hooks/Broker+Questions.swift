// SPDX-License-Identifier: Apache-2.0
// Questions to the plugins that decide something: may this client in, may it publish, may it subscribe? A plugin may
// answer later; then the connection is suspended in front of the packet that raised the question. Silence is a no.

import MQTT
import PluginAPI

extension Broker {
    enum Verdict {
        case allow
        case deny
        case later
    }

    enum Admission {
        case allow
        case deny(ReasonCode, AnswerDetails?)
        case later
        /// The client has been sent AUTH and is to answer.
        case goOn
    }

    // MARK: Authentication

    func authenticate(_ connection: ConnectionPointer, _ password: ByteView) -> Admission {
        switch connection.pointee.admission {
        case .everybody: return .allow
        case .named where !connection.pointee.hasUserName && !connection.pointee.hasCertificate:
            tell(
                .warning,
                .admission,
                connection,
                "not admitted: it has neither user name nor certificate (enable_authn = quick_deny_anonymous)"
            )
            return .deny(.notAuthorized, nil)
        case .authenticated, .named: break
        }
        guard hooks.authenticates else { return admitLoopback(connection) }
        var link = 0
        if let answer = takeAnswer(connection, .authenticate, nextLink: &link) {
            let plugin = hooks.authenticate[link - 1].slot
            if let admission = admission(connection, answer, plugin) { return admission }
        }
        while link < hooks.authenticate.count {
            let hook = hooks.authenticate[link]
            let ticket = tickets.open(connection.pointee.identifier)
            let result = withView(of: connection, for: hook) {
                hook.function(hook.state, $0, ticket, isth_bytes(password))
            }
            var answer = HookAnswer(result: result)
            if result == ISTH_LATER {
                guard let early = tickets.wait(ticket) else {
                    suspend(connection, .authenticate, ticket, link)
                    return .later
                }
                answer = early
            } else {
                tickets.close(ticket)
            }
            if let admission = admission(connection, answer, hook.slot) { return admission }
            link += 1
        }
        tell(
            .warning,
            .admission,
            connection,
            "not admitted: no plugin knows \(userName(connection)), or it has no password"
        )
        // As for a user with a wrong password: the answer tells nobody who is a user.
        return .deny(connection.pointee.hasPassword ? .badUserNameOrPassword : .notAuthorized, nil)
    }

    /// `nil` = no opinion.
    private func admission(_ connection: ConnectionPointer, _ answer: HookAnswer, _ plugin: Int) -> Admission? {
        switch answer.result {
        case Int32(ISTH_ALLOW):
            takeIdentity(connection, answer)
            return .allow
        case Int32(ISTH_NEXT): return nil
        default: return denial(connection, answer, plugin, .badUserNameOrPassword)
        }
    }

    /// For log lines: who a client says it is.
    private func userName(_ connection: ConnectionPointer) -> String {
        connection.pointee.hasUserName
            ? "the user \"\(connection.pointee.userName.view.clipped)\"" : "this client, which gives no user name"
    }

    /// Who the client is, as the plugin that admits it says.
    func takeIdentity(_ connection: ConnectionPointer, _ answer: HookAnswer) {
        connection.pointee.isAuthenticated = true
        connection.pointee.isSuperuser = answer.isSuperuser
        guard let name = answer.details?.userName, !name.isEmpty else { return }
        connection.pointee.userName.deallocate()
        connection.pointee.userName = name.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
        connection.pointee.hasUserName = true
    }

    /// Logs who says no, and why if it tells.
    func denial(
        _ connection: ConnectionPointer,
        _ answer: HookAnswer,
        _ plugin: Int,
        _ fallback: ReasonCode
    ) -> Admission {
        let reason = answer.reasonCode >= 0x80 ? ReasonCode(rawValue: answer.reasonCode) : fallback
        tell(
            .warning,
            .admission,
            connection,
            """
            not admitted: \(hooks.name(ofPlugin: plugin)) refuses \(userName(connection))\(answer.reasonInBrackets), reason code \
            \(reason.hexadecimal)
            """
        )
        return .deny(reason, answer.details)
    }

    /// No plugin authenticates: this machine's own clients are let in, and those of a listener that lets nobody through
    /// without a certificate.
    private func admitLoopback(_ connection: ConnectionPointer) -> Admission {
        if connection.pointee.isLoopback || connection.pointee.isVouchedFor { return .allow }
        tell(
            .warning,
            .admission,
            connection,
            """
            not admitted: without authentication only clients of this machine are; add { name = "PasswordAuth" } to plugins \
            and an authentication block to the config
            """
        )
        return .deny(.notAuthorized, nil)
    }

    // MARK: Authorisation

    /// Not given the publication: that would be a copy of all of it for every message.
    @inline(__always)
    func authorizePublish(_ connection: ConnectionPointer, _ topic: ByteView, _ qos: UInt8, _ retain: Bool) -> Verdict {
        let flags = qos | (retain ? 4 : 0)
        let question = AuthorizationMemory.Question(topic: topic, flags: flags, rules: rules, now: now)
        return connection.pointee.authorized.allows(question) ? .allow : askPublish(connection, question)
    }

    @inline(never)
    private func askPublish(
        _ connection: ConnectionPointer,
        _ question: AuthorizationMemory.Question
    ) -> Verdict {
        if connection.pointee.isSuperuser { return .allow }
        if let known = connection.pointee.authorized.answer(question) { return known ? .allow : .deny }
        let (topic, qos, retain) = (question.topic, question.flags & 3, question.flags & 4 != 0)
        let verdict = authorize(connection, .authorizePublish, ISTH_ACCESS_PUBLISH, topic, qos, retain)
        // The question is over: the next packet must not take it for its own.
        if verdict != .later { connection.pointee.pending = nil }
        if verdict != .later, verdictLifetime > 0, mayRemember(topic) {
            connection.pointee.authorized.remember(
                question,
                verdict == .allow,
                until: now + verdictLifetime,
                limit: settings.authorizationCacheSize
            )
        }
        return verdict
    }

    private func mayRemember(_ topic: ByteView) -> Bool {
        settings.authorizationCacheExcludes.allSatisfy { filter in
            filter.withUnsafeBytes { !TopicFilter.matches(ByteView($0), topic) }
        }
    }

    /// Without `mayWait` an answer that comes later counts as a no.
    func authorize(
        _ connection: ConnectionPointer,
        _ stage: PendingCheck.Stage,
        _ access: Int,
        _ topic: ByteView,
        _ qos: UInt8,
        _ retain: Bool,
        mayWait: Bool = true
    ) -> Verdict {
        if connection.pointee.isSuperuser { return .allow }
        // A mounted client's topics lie elsewhere.
        let isReserved = topic.isBelowLink && connection.pointee.mountpoint == nil
        if hooks.authorize.isEmpty, !isReserved { return .allow }
        verdictLifetime = settings.authorizationCacheTime
        var link = 0
        let question = Question(stage: stage, access: Int32(access), topic: topic, qos: qos, retain: retain)
        if let answer = takeAnswer(connection, stage, nextLink: &link), answer.decides(isReserved: isReserved) {
            return verdict(connection, answer, question, hooks.authorize[link - 1].slot)
        }
        while link < hooks.authorize.count {
            let hook = hooks.authorize[link]
            let ticket = tickets.open(connection.pointee.identifier)
            let result = withView(of: connection, for: hook) {
                hook.function(hook.state, $0, ticket, Int32(access), isth_str(topic), qos, retain ? 1 : 0)
            }
            var answer = HookAnswer(result: result)
            if result == ISTH_LATER {
                guard let early = tickets.wait(ticket) else {
                    guard mayWait else {
                        tickets.close(ticket)
                        return .deny
                    }
                    suspend(connection, stage, ticket, link)
                    return .later
                }
                answer = early
            } else {
                tickets.close(ticket)
            }
            if answer.decides(isReserved: isReserved) { return verdict(connection, answer, question, hook.slot) }
            link += 1
        }
        guard isReserved else { return .allow }
        tell(
            .warning,
            .authorization,
            connection,
            """
            \(question.refusal): topics below $LINK/ are closed to whom no rule names them, as {allow, {username, \
            "clink-user"}, all, ["$LINK/#"]} of FileACL does
            """
        )
        return .deny
    }

    private func verdict(
        _ connection: ConnectionPointer,
        _ answer: HookAnswer,
        _ question: Question,
        _ plugin: Int
    ) -> Verdict {
        let isAllowed = answer.result == ISTH_ALLOW || answer.result == ISTH_ALLOW_NAMED
        if !isAllowed, answer.result != ISTH_DENY {
            // A failure is a no for this once: the plugin may know next time.
            verdictLifetime = 0
        } else if answer.validSeconds > 0, verdictLifetime > 0 {
            verdictLifetime = UInt64(answer.validSeconds) * 1000
        }
        if isAllowed { return .allow }
        tell(.warning, .authorization, connection, "\(question.refusal)\(reason(connection, answer, question, plugin))")
        return .deny
    }

    /// What a plugin was asked.
    private struct Question {
        let stage: PendingCheck.Stage
        let access: Int32
        let topic: ByteView
        let qos: UInt8
        let retain: Bool

        var refusal: String {
            let verb = access == Int32(ISTH_ACCESS_SUBSCRIBE) ? "subscribe" : "publish"
            let what = stage == .authorizeWill ? "publish its will, which is dropped," : verb
            return "not authorised to \(what) to \(topic.clipped)"
        }
    }

    /// Which plugin said no, and by which rule if it tells: with its answer, or when it is asked for the log.
    private func reason(
        _ connection: ConnectionPointer,
        _ answer: HookAnswer,
        _ question: Question,
        _ plugin: Int
    ) -> String {
        let name = hooks.name(ofPlugin: plugin)
        guard answer.result == ISTH_DENY else { return ": \(name) gave no answer" }
        guard answer.reasonInBrackets.isEmpty, let link = hooks.explain.first(where: { $0.slot == plugin }) else {
            return " by \(name)\(answer.reasonInBrackets)"
        }
        var told = ""
        withUnsafeMutablePointer(to: &told) { told in
            withView(of: connection, for: link) { client in
                link.function(
                    link.state,
                    client,
                    question.access,
                    isth_str(question.topic),
                    question.qos,
                    question.retain ? 1 : 0,
                    { $0?.assumingMemoryBound(to: String.self).pointee = ByteView($1).clipped(to: 512) },
                    told
                )
            }
        }
        return told.isEmpty ? " by \(name)" : " by \(name): \(told)"
    }

    // MARK: Waiting

    func suspend(_ connection: ConnectionPointer, _ stage: PendingCheck.Stage, _ ticket: UInt64, _ link: Int) {
        let pending = connection.pointee.pending ?? PendingCheck(stage: stage, ticket: 0, link: 0)
        pending.stage = stage
        pending.ticket = ticket
        pending.link = link
        pending.answer = nil
        connection.pointee.pending = pending
        connection.pointee.wasConnected = connection.pointee.state == .connected
        connection.pointee.state = .suspended
        connection.pointee.transport.pauseReading()
        setTimer(connection, settings.hookDeadline)
    }

    /// The answer that the packet being processed again was suspended for, and the link to go on with.
    func takeAnswer(
        _ connection: ConnectionPointer,
        _ stage: PendingCheck.Stage,
        nextLink: inout Int
    ) -> HookAnswer? {
        guard let pending = connection.pointee.pending, pending.stage == stage, let answer = pending.answer else {
            return nil
        }
        connection.pointee.pending?.answer = nil
        nextLink = pending.link + 1
        return answer
    }

    /// The answer to a ticket of this loop. Returns false if the ticket is unknown, answered or out of time.
    public func answer(_ ticket: UInt64, _ answer: HookAnswer) -> Bool {
        switch tickets.answer(ticket, answer) {
        case .unknown: return false
        case .early: return true
        case .resume(let identifier, let answer):
            requests.append(.resume(identifier, ticket: ticket, answer))
            return true
        }
    }

    /// The connection may have ended, or its deadline passed, since the answer came.
    func resume(_ identifier: ConnectionIdentifier, _ ticket: UInt64, _ answer: HookAnswer) {
        guard let connection = self.connection(identifier), connection.pointee.state == .suspended,
            connection.pointee.pending?.ticket == ticket
        else { return }
        resume(connection, answer)
    }

    private func resume(_ connection: ConnectionPointer, _ answer: HookAnswer) {
        connection.pointee.pending?.answer = answer
        connection.pointee.pending?.ticket = 0
        cancelTimer(connection)
        if connection.pointee.wasConnected {
            connection.pointee.state = .connected
            startKeepAlive(connection)
        } else if let exchange = connection.pointee.exchange {
            connection.pointee.state = exchange.pointee.hasConnect ? .authenticating : .expectingConnect
            setTimer(connection, exchange.pointee.deadline - min(now, exchange.pointee.deadline))
        } else {
            connection.pointee.state = .expectingConnect
            setTimer(connection, settings.idleTimeout)
        }
        processInput(connection)
        if connection.isOpen, connection.pointee.state != .suspended, !connection.isHeld {
            connection.pointee.transport.resumeReading()
        }
    }

    /// The deadline of a suspended connection passed.
    func answerNeverCame(_ connection: ConnectionPointer) {
        guard let pending = connection.pointee.pending, pending.ticket != 0 else { return }
        tell(.warning, .plugin, connection, "a plugin did not answer in \(settings.hookDeadline) ms; that is a no")
        tickets.close(pending.ticket)
        resume(connection, HookAnswer(result: Int32(ISTH_ERROR)))
    }
}

extension HookAnswer {
    /// A plugin's own words, for a log line.
    fileprivate var reasonInBrackets: String {
        guard let reason = details?.reason, !reason.isEmpty else { return "" }
        return " (\(reason.withUnsafeBytes { ByteView($0).clipped(to: 512) }))"
    }

    /// Whether the chain ends here. What other brokers send is open only to whom a plugin means to let in there.
    fileprivate func decides(isReserved: Bool) -> Bool {
        result != ISTH_NEXT && !(isReserved && result == ISTH_ALLOW)
    }
}

extension ByteView {
    /// `$LINK` and what is below it, where linked brokers talk to each other.
    fileprivate var isBelowLink: Bool {
        hasPrefix(ByteView("$LINK")) && (count == 5 || self[5] == UInt8(ascii: "/"))
    }
}
