// SPDX-License-Identifier: Apache-2.0
// The levels of a topic name or filter, cut at each `/`. "a//b" has three levels, "/" two empty ones, "" one.

public struct TopicLevels: Sequence, Sendable {
    @usableFromInline let topic: ByteView

    @inlinable
    public init(_ topic: ByteView) { self.topic = topic }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(topic) }

    public struct Iterator: IteratorProtocol, Sendable {
        @usableFromInline let topic: ByteView
        /// Where the next level starts; -1 behind the last one.
        @usableFromInline var start = 0

        @inlinable
        init(_ topic: ByteView) { self.topic = topic }

        @inlinable
        public mutating func next() -> ByteView? {
            guard start >= 0 else { return nil }
            var end = start
            while end < topic.count && topic[end] != .slash { end &+= 1 }
            let level = topic.slice(start, end)
            start = end == topic.count ? -1 : end &+ 1
            return level
        }
    }
}
