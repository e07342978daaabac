// SPDX-License-Identifier: Apache-2.0
// What a topic filter and a link's `topics` have in common: a subscription is announced as the part of it that the link
// wants, so that the peer sends nothing we would drop. Works on UTF-8 bytes, level by level. Filters are valid.

package typealias Filter = [UInt8]

package enum Narrowing {
    /// The filter that matches exactly what both match; nil if no topic matches both.
    package static func intersection(_ a: Filter, _ b: Filter) -> Filter? {
        // A leading wildcard does not match topics that begin with `$`. [MQTT-4.7.2-1]
        if a.first == .dollar, b.first == .plus || b.first == .hash { return nil }
        if b.first == .dollar, a.first == .plus || a.first == .hash { return nil }
        var result = Filter()
        result.reserveCapacity(max(a.count, b.count))
        var left = Levels(a)
        var right = Levels(b)
        while true {
            let restOfLeft = left.rest
            let restOfRight = right.rest
            switch (left.next(), right.next()) {
            case (nil, nil): return result
            case (nil, let other?), (let other?, nil):
                // `t/#` also matches `t` itself.
                return other.isHash ? result : nil
            case (let x?, let y?):
                if x.isHash { return joined(result, restOfRight) }
                if y.isHash { return joined(result, restOfLeft) }
                if x == y || y.isPlus {
                    append(x, to: &result, isFirst: restOfLeft.startIndex == 0)
                } else if x.isPlus {
                    append(y, to: &result, isFirst: restOfRight.startIndex == 0)
                } else {
                    return nil
                }
            }
        }
    }

    /// Whether every topic that `a` matches is matched by `b`.
    package static func isSubset(_ a: Filter, of b: Filter) -> Bool {
        intersection(a, b) == a
    }

    /// The filters without those that another one covers, in their order; of equal ones the first stays.
    package static func minimalCover(_ filters: [Filter]) -> [Filter] {
        filters.indices.filter { index in
            !filters.indices.contains { other in
                guard other != index, isSubset(filters[index], of: filters[other]) else { return false }
                return filters[index] != filters[other] || other < index
            }
        }.map { filters[$0] }
    }

    /// What to announce for a local `filter` to a link that wants `topics`, which are a minimal cover.
    package static func narrow(_ filter: Filter, to topics: [Filter]) -> [Filter] {
        let common = topics.compactMap { intersection(filter, $0) }
        return common.count > 1 ? minimalCover(common) : common
    }

    /// Whether `filter` matches the topic name.
    package static func matches(_ filter: Filter, _ topic: Bytes) -> Bool {
        filter.withView { filter in
            var f = 0
            var t = 0
            if topic.count > 0, topic[0] == .dollar, filter[0] == .plus || filter[0] == .hash { return false }
            while f < filter.count {
                switch filter[f] {
                case .hash: return true
                case .plus:
                    while t < topic.count, topic[t] != .slash { t += 1 }
                    f += 1
                case let byte:
                    guard t < topic.count, topic[t] == byte else {
                        // `t/#` matches `t`.
                        return t == topic.count && filter.count == f + 2 && byte == .slash && filter[f + 1] == .hash
                    }
                    f += 1
                    t += 1
                }
            }
            return t == topic.count
        }
    }

    private static func joined(_ head: Filter, _ rest: ArraySlice<UInt8>) -> Filter {
        rest.startIndex == 0 ? Filter(rest) : head + [.slash] + rest
    }

    private static func append(_ level: ArraySlice<UInt8>, to result: inout Filter, isFirst: Bool) {
        if !isFirst { result.append(.slash) }
        result.append(contentsOf: level)
    }
}

/// Walks the levels of a filter; `a//b` has an empty one.
private struct Levels {
    private let filter: Filter
    private var start = 0

    init(_ filter: Filter) { self.filter = filter }

    /// What ``next()`` has not given yet; begins at index 0 only for the whole filter.
    var rest: ArraySlice<UInt8> { filter[min(start, filter.count)...] }

    mutating func next() -> ArraySlice<UInt8>? {
        guard start <= filter.count else { return nil }
        let end = filter[start...].firstIndex(of: .slash) ?? filter.count
        let level = filter[start..<end]
        start = end + 1
        return level
    }
}

extension UInt8 {
    fileprivate static var dollar: UInt8 { UInt8(ascii: "$") }
    fileprivate static var plus: UInt8 { UInt8(ascii: "+") }
    fileprivate static var hash: UInt8 { UInt8(ascii: "#") }
    fileprivate static var slash: UInt8 { UInt8(ascii: "/") }
}

extension ArraySlice<UInt8> {
    fileprivate var isHash: Bool { count == 1 && first == .hash }
    fileprivate var isPlus: Bool { count == 1 && first == .plus }
}
