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
            if logLevel <= .info {
                log(.info, "\(describe(connection)): neither user name nor certificate; not admitted here")
            }
            return .deny(.notAuthorized, nil)
        case .authenticated, .named: break
        }
        guard hooks.authenticates else { return admitLoopback(connection) }
        var link = 0
        if let answer = takeAnswer(connection, .authenticate, nextLink: &link) {
            if let admission = admission(connection, answer) { return admission }
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
            if let admission = admission(connection, answer) { return admission }
            link += 1
        }
        if logLevel <= .info { log(.info, "\(describe(connection)): nobody knows this client; not admitted") }
        return .deny(.notAuthorized, nil)
    }

    /// `nil` = no opinion.
    private func admission(_ connection: ConnectionPointer, _ answer: HookAnswer) -> Admission? {
        switch answer.result {
        case Int32(ISTH_ALLOW):
            takeIdentity(connection, answer)
            return .allow
        case Int32(ISTH_NEXT): return nil
        default: return denial(connection, answer, .badUserNameOrPassword)
        }
    }

    /// Who the client is, as the plugin that admits it says.
    func takeIdentity(_ connection: ConnectionPointer, _ answer: HookAnswer) {
        connection.pointee.isSuperuser = answer.isSuperuser
        guard let name = answer.details?.userName, !name.isEmpty else { return }
        connection.pointee.userName.deallocate()
        connection.pointee.userName = name.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
        connection.pointee.hasUserName = true
    }

    func denial(_ connection: ConnectionPointer, _ answer: HookAnswer, _ fallback: ReasonCode) -> Admission {
        if logLevel <= .info {
            let why = String(decoding: answer.details?.reason ?? [], as: UTF8.self)
            log(.info, "\(describe(connection)): not admitted\(why.isEmpty ? "" : ": \(why)")")
        }
        return .deny(answer.reasonCode >= 0x80 ? ReasonCode(rawValue: answer.reasonCode) : fallback, answer.details)
    }

    /// No plugin authenticates: this machine's own clients are let in, and those of a listener that lets nobody through
    /// without a certificate.
    private func admitLoopback(_ connection: ConnectionPointer) -> Admission {
        if connection.pointee.isLoopback || connection.pointee.isVouchedFor { return .allow }
        log(
            .warning,
            """
            \(describe(connection)): not admitted: without authentication only clients of this machine are; add \
            { name = "PasswordAuth" } to plugins and an authentication block to the config
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
        if let answer = takeAnswer(connection, stage, nextLink: &link), answer.decides(isReserved: isReserved) {
            return verdict(connection, answer, access, topic)
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
            if answer.decides(isReserved: isReserved) { return verdict(connection, answer, access, topic) }
            link += 1
        }
        return isReserved ? verdict(connection, HookAnswer(result: Int32(ISTH_DENY)), access, topic) : .allow
    }

    private func verdict(
        _ connection: ConnectionPointer,
        _ answer: HookAnswer,
        _ access: Int,
        _ topic: ByteView
    ) -> Verdict {
        let isAllowed = answer.result == ISTH_ALLOW || answer.result == ISTH_ALLOW_NAMED
        if !isAllowed, answer.result != ISTH_DENY {
            // A failure is a no for this once: the plugin may know next time.
            verdictLifetime = 0
        } else if answer.validSeconds > 0, verdictLifetime > 0 {
            verdictLifetime = UInt64(answer.validSeconds) * 1000
        }
        if isAllowed { return .allow }
        if logLevel <= .info {
            let what = access == ISTH_ACCESS_PUBLISH ? "publish to" : "subscribe to"
            log(.info, "\(describe(connection)): not authorised to \(what) \(topic.string)")
        }
        return .deny
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
        log(.warning, "\(describe(connection)): a plugin did not answer in \(settings.hookDeadline) ms; that is a no")
        tickets.close(pending.ticket)
        resume(connection, HookAnswer(result: Int32(ISTH_ERROR)))
    }
}

extension HookAnswer {
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
