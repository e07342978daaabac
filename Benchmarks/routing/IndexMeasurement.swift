// SPDX-License-Identifier: Apache-2.0
// The subscription index alone, one subscriber behind each filter.

import Broker
import MQTT

func measureIndex(_ shape: Shape, _ count: Int) -> String {
    var index = SubscriptionIndex()
    let before = residentBytes()
    let insert = nanoseconds(each: count) {
        for number in 0..<count {
            shape.withFilter(number) { filter in
                let entry = index.findOrInsert(ByteView(filter))
                index[entry].pointee.subscribers.append(Subscriber(session: 1, options: DeliveryOptions(bits: 0)))
            }
        }
    }
    let bytes = Double(residentBytes() - before) / Double(count)
    var disorder = Disorder()
    let searches = min(count, 500_000)
    let random = matching(&index, shape, (0..<searches).map { _ in disorder.below(count) })
    let hot = matching(&index, shape, [Int](repeating: count / 2, count: searches))
    let remove = nanoseconds(each: count) {
        for number in 0..<count {
            shape.withFilter(number) { filter in
                let entry = index.findOrInsert(ByteView(filter))
                index[entry].pointee.subscribers.removeSwapping(at: 0)
                index.removeIfUnused(entry)
            }
        }
    }
    return json(
        "index",
        shape,
        count,
        [
            "bytes": bytes, "insert_ns": insert, "remove_ns": remove, "hot_match_ns": hot, "random_match_ns": random,
        ]
    )
}

/// Nanoseconds to find the filter of each of the numbers. The topics stand ready, one behind the other.
private func matching(_ index: inout SubscriptionIndex, _ shape: Shape, _ numbers: [Int]) -> Double {
    var topics: [UInt8] = []
    for number in numbers { shape.withTopic(number) { topics.append(contentsOf: $0) } }
    let length = topics.count / numbers.count
    var matches = ScratchStack<Int32>()
    var found = 0
    let time = topics.withUnsafeBytes { topics in
        nanoseconds(each: numbers.count) {
            for i in numbers.indices {
                let topic = UnsafeRawBufferPointer(rebasing: topics[i * length..<(i + 1) * length])
                index.match(ByteView(topic), into: &matches)
                found += matches.count
                matches.drop(to: 0)
            }
        }
    }
    guard found == numbers.count else { fail("\(numbers.count) topics matched \(found) filters, not one each.") }
    return time
}
