// SPDX-License-Identifier: Apache-2.0
// Answers to "may this client publish to this topic?", as `authorization.cache` has them kept for each connection. The
// one that was used last stands in front, since clients mostly publish to one topic in a row: it costs a comparison,
// and the others a hash and a search among a few numbers. Finding an answer allocates nothing.

import MQTT

struct AuthorizationMemory {
    /// What is asked, and under which rules: `rules` counts their changes, an answer from before one is forgotten.
    struct Question {
        let topic: ByteView
        /// QoS and retain flag.
        let flags: UInt8
        let rules: UInt32
        let now: UInt64

        @inline(__always)
        fileprivate var key: UInt32 { UInt32(truncatingIfNeeded: topic.count) | UInt32(flags) << 16 }
    }

    private var last: UnsafeMutablePointer<Verdict>?
    /// All of them; allocated for the second.
    private var verdicts: UnsafeMutablePointer<VerdictList>?

    /// Whether this was asked last and the answer was yes.
    @inline(__always)
    func allows(_ question: Question) -> Bool {
        guard let last else { return false }
        return last.isAbout(question) && last.pointee.isValid(question) && last.pointee.isAllowed
    }

    /// Any answer, which is then the last one.
    mutating func answer(_ question: Question) -> Bool? {
        if let last, last.isAbout(question), last.pointee.isValid(question) { return last.pointee.isAllowed }
        guard let verdicts, let place = verdicts.pointee.place(of: question) else { return nil }
        let verdict = verdicts.pointee.verdict(place)
        if verdict.pointee.isValid(question) {
            last = verdict
            return verdict.pointee.isAllowed
        }
        if last == verdict { last = nil }
        verdicts.pointee.remove(place)
        return nil
    }

    /// What `answer` did not know. Forgets the earliest answer if there are `limit` of them.
    mutating func remember(_ question: Question, _ isAllowed: Bool, until: UInt64, limit: Int) {
        let verdict = UnsafeMutablePointer<Verdict>.make(question, isAllowed, until: until)
        defer { last = verdict }
        if let verdicts { return verdicts.pointee.insert(verdict, limit: limit) }
        guard let only = last else { return }
        guard limit > 1, !only.isAbout(question) else { return only.free() }
        let list = UnsafeMutablePointer<VerdictList>.allocate(capacity: 1)
        list.initialize(to: VerdictList())
        list.pointee.insert(only, limit: limit)
        list.pointee.insert(verdict, limit: limit)
        verdicts = list
    }

    mutating func forget() {
        deallocate()
        self = AuthorizationMemory()
    }

    func deallocate() {
        guard let verdicts else {
            last?.free()
            return
        }
        verdicts.pointee.deallocate()
        verdicts.deallocate()
    }
}

/// One answer; the bytes of the topic stand behind it.
private struct Verdict {
    let validUntil: UInt64
    let rules: UInt32
    let key: UInt32
    let isAllowed: Bool

    @inline(__always)
    func isValid(_ question: AuthorizationMemory.Question) -> Bool {
        question.now < validUntil && rules == question.rules
    }
}

extension UnsafeMutablePointer<Verdict> {
    fileprivate static func make(_ question: AuthorizationMemory.Question, _ isAllowed: Bool, until: UInt64) -> Self {
        // In words, which malloc aligns.
        let words = (MemoryLayout<Verdict>.stride + question.topic.count + 7) / 8
        let memory = UnsafeMutableRawPointer(UnsafeMutablePointer<UInt64>.allocate(capacity: words))
        let verdict = memory.bindMemory(to: Verdict.self, capacity: 1)
        verdict.initialize(
            to: Verdict(validUntil: until, rules: question.rules, key: question.key, isAllowed: isAllowed)
        )
        (memory + MemoryLayout<Verdict>.stride).copyMemory(from: question.topic.base, byteCount: question.topic.count)
        return verdict
    }

    @inline(__always)
    private var bytes: UnsafePointer<UInt8> {
        (UnsafeRawPointer(self) + MemoryLayout<Verdict>.stride).assumingMemoryBound(to: UInt8.self)
    }

    fileprivate var topic: ByteView { ByteView(bytes, count: Int(pointee.key & 0xFFFF)) }

    /// Whether it answers this question, now or once.
    @inline(__always)
    fileprivate func isAbout(_ question: AuthorizationMemory.Question) -> Bool {
        pointee.key == question.key && ByteView(bytes, count: question.topic.count) == question.topic
    }

    fileprivate func free() { UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt64.self).deallocate() }
}

/// Plain memory: arrays would be retained and released for every look at them.
private struct VerdictList {
    private var verdicts: UnsafeMutablePointer<UnsafeMutablePointer<Verdict>>
    /// Half a hash of each one's topic, so that a search reads one run of memory.
    private var hashes: UnsafeMutablePointer<UInt32>
    private var count = 0
    private var capacity = 4
    /// The earliest, once there are as many as may be.
    private var next = 0

    init() {
        verdicts = .allocate(capacity: capacity)
        hashes = .allocate(capacity: capacity)
    }

    func deallocate() {
        for place in 0..<count { verdicts[place].free() }
        verdicts.deallocate()
        hashes.deallocate()
    }

    func verdict(_ place: Int) -> UnsafeMutablePointer<Verdict> { verdicts[place] }

    func place(of question: AuthorizationMemory.Question) -> Int? {
        let hash = UInt32(truncatingIfNeeded: question.topic.hash64)
        var place = 0
        while place < count {
            if hashes[place] == hash, verdicts[place].isAbout(question) { return place }
            place &+= 1
        }
        return nil
    }

    mutating func insert(_ verdict: UnsafeMutablePointer<Verdict>, limit: Int) {
        if count < max(limit, 1) {
            if count == capacity { grow() }
            set(count, verdict)
            count += 1
        } else {
            verdicts[next].free()
            set(next, verdict)
            next = next + 1 < count ? next + 1 : 0
        }
    }

    /// The last one takes its place.
    mutating func remove(_ place: Int) {
        verdicts[place].free()
        count -= 1
        verdicts[place] = verdicts[count]
        hashes[place] = hashes[count]
        next = 0
    }

    private func set(_ place: Int, _ verdict: UnsafeMutablePointer<Verdict>) {
        verdicts[place] = verdict
        hashes[place] = UInt32(truncatingIfNeeded: verdict.topic.hash64)
    }

    private mutating func grow() {
        let old = (verdicts, hashes)
        capacity *= 2
        verdicts = .allocate(capacity: capacity)
        hashes = .allocate(capacity: capacity)
        verdicts.update(from: old.0, count: count)
        hashes.update(from: old.1, count: count)
        old.0.deallocate()
        old.1.deallocate()
    }
}
