// SPDX-License-Identifier: Apache-2.0
// Every subscription knows where it stands in its filter's list, or its group's: leaving is no search.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct PositionTests {
    /// What each session's records and the lists say of each other.
    private func check(_ world: World, _ note: String) {
        for broker in world.brokers {
            for slot in broker.sessions.indices {
                let subscriptions = broker.sessions[slot].pointee.subscriptions
                let isConnected = broker.sessions[slot].pointee.connection != nil
                let all = (0..<subscriptions.count).map { subscriptions[$0] }
                #expect(Int(broker.sessions[slot].pointee.sharedCount) == all.filter(\.isShared).count)
                for (i, one) in all.enumerated() {
                    let position = Int(one.position)
                    let place = subscriptions.place(one.key)
                    #expect(place.isThere && place.index == i, "\(note)")
                    if one.isShared {
                        let group = broker.groups[one.group].pointee
                        #expect(group.members[position].target == slot, "\(note)")
                        #expect((position < group.connectedCount) == isConnected, "\(note)")
                    } else {
                        #expect(broker.index[one.entry].pointee.subscribers[position].target == slot, "\(note)")
                    }
                }
            }
        }
    }

    @Test func recordsAndListsAgreeWhateverHappens() {
        var random = SeededRandom()
        let world = World(loops: 2)
        let filters = ["a", "b/#", "$share/g/a", "$share/h/b/#", "$share/g/c", "$queue/a"]
        var clients: [String: TestClient] = [:]
        for step in 0..<1500 {
            let name = "c\(random.below(12))"
            guard let client = clients[name], !client.isClosed else {
                let client = TestClient(world, name, loop: random.below(2))
                client.connect(cleanStart: random.below(4) == 0, sessionExpiry: 1000)
                clients[name] = client
                continue
            }
            switch random.below(6) {
            case 0, 1, 2: client.subscribe(random.pick(filters), random.pick([.atMostOnce, .atLeastOnce]))
            case 3, 4: _ = client.unsubscribe(random.pick(filters))
            default: client.vanish()
            }
            if step % 10 == 0 { check(world, "seed \(random.seed), step \(step)") }
        }
    }

    @Test func manySubscribersLeaveInAnyOrder() {
        var random = SeededRandom()
        let world = World()
        let names = (0..<2000).map { "c\($0)" }
        let slots = names.map { name in name.withView { world.broker.makeSession($0, 0) } }
        for filter in ["many", "#"] {
            for group in ["", "g"] {
                for slot in slots {
                    _ = world.broker.addSubscription(
                        slot,
                        Array(filter.utf8),
                        Array(group.utf8),
                        DeliveryOptions(bits: 1),
                        token: 0
                    )
                }
            }
        }
        for (step, slot) in slots.shuffled(using: &random).enumerated() {
            world.broker.terminate(slot, .normalDisconnection)
            if step % 200 == 0 { check(world, "seed \(random.seed), step \(step)") }
        }
        #expect(world.leftovers == [:])
    }
}
