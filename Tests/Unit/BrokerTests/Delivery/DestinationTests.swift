// SPDX-License-Identifier: Apache-2.0
// Plugins' destinations and subscriptions: one hand-over a message, and none where it came from.

import MQTT
import PluginAPI
import Testing

@testable import Broker

/// A destination that keeps what it is handed.
private final class Sink {
    var topics: [String] = []
    var during: () -> Void = {}
    var index: Int32 = -1

    init(_ broker: Broker, _ identifier: UInt64, isSubscription: Bool = false, _ filters: String...) {
        index = broker.openDestination(
            identifier: identifier,
            isSubscription: isSubscription,
            state: Unmanaged.passUnretained(self).toOpaque(),
            deliver: { state, message in
                let sink = Unmanaged<Sink>.fromOpaque(state!).takeUnretainedValue()
                sink.topics.append(message.pointee.topic.text)
                sink.during()
            }
        )
        for filter in filters { filter.withView { broker.addFilter(index, $0) } }
    }
}

@Suite struct DestinationTests {
    private func inject(_ world: World, _ topic: String, origin: UInt64 = 0, flags: Int = 0, loop: Int = 0) -> Bool {
        let broker = world.brokers[loop]
        guard let message = InjectedMessage.make(topic, origin: origin, flags: flags, now: broker.now) else {
            return false
        }
        defer { world.settle() }
        return broker.inject(message)
    }

    @Test func aMessageIsHandedOverOnce() {
        let world = World()
        let sink = Sink(world.broker, 7, "a/+", "a/#", "a/b", "#")
        "a/b".withView { world.broker.addFilter(sink.index, $0) }
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a/b", qos: .atLeastOnce)
        #expect(sink.topics == ["a/b"])
        #expect(publisher.take().map(\.reason) == [0])
        for filter in ["a/+", "a/#", "a/b"] { filter.withView { world.broker.removeFilter(sink.index, $0) } }
        "a/b".withView { world.broker.removeFilter(sink.index, $0) }
        publisher.publish("a/b")
        #expect(sink.topics.count == 2)
        world.broker.closeDestination(sink.index)
        publisher.publish("a/b")
        #expect(sink.topics.count == 2)
        publisher.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test func aMessageDoesNotGoBackWhereItCameFrom() {
        let world = World()
        let one = Sink(world.broker, 1, "#")
        let two = Sink(world.broker, 2, "a")
        #expect(inject(world, "a", origin: 1))
        #expect(!inject(world, "b", origin: 1))
        #expect(!inject(world, "a", flags: Int(ISTH_PUB_LOCAL_ONLY)))
        #expect(one.topics == [] && two.topics == ["a"])
    }

    @Test func aPluginsSubscriptionIsALocalReceiver() {
        let plugin = ScriptedPlugin()
        plugin.recordsRoutes = true
        let world = World(plugins: [plugin])
        let own = Sink(world.broker, 1, isSubscription: true, "a")
        _ = Sink(world.broker, 2, "a", "b")
        world.settle()
        #expect(plugin.events == ["+a|"])
        #expect(inject(world, "a", origin: 1, flags: Int(ISTH_PUB_LOCAL_ONLY)))
        #expect(own.topics == ["a"])
        world.broker.closeDestination(own.index)
        world.settle()
        #expect(plugin.events == ["+a|", "-a|"])
    }

    @Test func retainedMessagesComeFirst() {
        let world = World()
        TestClient.connected(world, "p").publish("a", retain: true)
        let sink = Sink(world.broker, 1, isSubscription: true, "a")
        "a".withView { world.broker.handRetained($0, to: sink.index) }
        #expect(sink.topics == ["a"])
    }

    @Test func aPluginsSubscriptionOnAnyLoopGetsRetainedMessages() {
        let world = World(loops: 3)
        TestClient.connected(world, "p").publish("a", "kept", retain: true)
        let sink = Sink(world.brokers[2], 7, isSubscription: true, "a")
        "a".withView { world.brokers[2].handRetained($0, to: sink.index) }
        world.settle()
        #expect(sink.topics == ["a"])
        "a".withView { world.brokers[2].handRetained($0, to: sink.index) }
        world.brokers[2].closeDestination(sink.index)
        world.settle()
        #expect(sink.topics == ["a"])
        #expect(world.brokers[2].destinations.count == 0)
    }

    @Test func aDestinationMayPublishAndCloseWhileItIsServed() {
        let world = World()
        let readers = (0..<3).map { TestClient.connected(world, "r\($0)") }
        for reader in readers { for filter in ["a", "b"] { reader.subscribe(filter, .atMostOnce) } }
        let first = Sink(world.broker, 1, "a")
        let second = Sink(world.broker, 2, "a")
        first.during = {
            first.during = {}
            _ = self.inject(world, "b")
            world.broker.closeDestination(second.index)
            world.broker.closeDestination(first.index)
        }
        let late = TestClient.connected(world, "late")
        late.subscribe("a", .atMostOnce)
        TestClient.connected(world, "p").publish("a", "outer")
        #expect(first.topics == ["a"])
        #expect(second.topics == [])
        for reader in readers {
            #expect(Set(reader.take().map { "\($0.topic) \($0.text)" }) == ["a outer", "b injected"])
        }
        #expect(late.takeTexts() == ["outer"])
        TestClient.connected(world, "q").publish("a")
        #expect(first.topics == ["a"])
        #expect(world.broker.destinations.count == 0)
    }

    @Test func aDestinationMayLiveOnAnotherLoop() {
        let world = World(loops: 3)
        let sink = Sink(world.brokers[2], 5, "a/#", "a/b")
        world.settle()
        let publisher = TestClient.connected(world, "p", loop: 1)
        publisher.publish("a/b", qos: .atLeastOnce)
        #expect(sink.topics == ["a/b"])
        #expect(publisher.take().map(\.reason) == [0])
        #expect(inject(world, "a/b", origin: 5, loop: 0))
        _ = inject(world, "a/b", flags: Int(ISTH_PUB_LOCAL_ONLY), loop: 0)
        #expect(sink.topics == ["a/b"])
        world.brokers[2].closeDestination(sink.index)
        publisher.disconnect()
        world.settle()
        #expect(world.leftovers == [:])
    }

    @Test func aMessageThatDoesNotFitIsNotTaken() {
        let world = World()
        #expect(InjectedMessage.make("a/+", now: 1) == nil)
        #expect(InjectedMessage.make("", now: 1) == nil)
        let long = Array(repeating: UInt8(120), count: 70_000)
        long.withView { long in
            "a".withView { topic in
                for field in 0..<4 {
                    var view = isth_msg()
                    view.topic = isth_str(topic)
                    switch field {
                    case 0: view.publisher_id = isth_str(long)
                    case 1: view.publisher_username = isth_str(long)
                    case 2: view.publisher_addr = isth_str(long)
                    default:
                        view.content_type = isth_str(long)
                        view.flags = UInt32(ISTH_MSG_HAS_CONTENT_TYPE)
                    }
                    #expect(InjectedMessage(view, flags: 0, now: 1) == nil)
                }
            }
        }
        #expect(world.leftovers == [:])
    }
}
