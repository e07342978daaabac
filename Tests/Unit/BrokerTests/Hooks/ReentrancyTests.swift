// SPDX-License-Identifier: Apache-2.0
// Every hook may make every call of the host: what plugins do inside their hooks, at random, leaves the broker whole.

import MQTT
import PluginAPI
import TestRandom
import Testing

@testable import Broker

@Suite struct ReentrancyTests {
    private static let filters = ["a", "a/b", "+", "a/+", "#", "a/#"]
    private static let topics = ["a", "a/b", "c"]

    /// The calls of one plugin, each on any of the loops.
    private final class Meddler {
        unowned let plugin: ScriptedPlugin
        var random: SeededRandom
        private var open: [(loop: Int, index: Int32)] = []
        private var depth = 0
        private var lastIdentifier: UInt64 = 0

        init(_ plugin: ScriptedPlugin, _ random: SeededRandom) {
            self.plugin = plugin
            self.random = random
        }

        func meddle() {
            guard depth < 3 else { return }
            depth += 1
            defer { depth -= 1 }
            for _ in 0..<random.below(3) { act() }
        }

        private func act() {
            let loop = random.below(plugin.world.brokers.count)
            let broker = plugin.world.brokers[loop]
            switch random.below(7) {
            case 0, 1:
                plugin.inject(
                    random.pick(ReentrancyTests.topics),
                    loop: loop,
                    qos: UInt8(random.below(3)),
                    retain: random.below(3) == 0
                )
            case 2 where open.count < 8:
                lastIdentifier += 1
                let index = broker.openDestination(
                    identifier: lastIdentifier,
                    isSubscription: random.below(2) == 0,
                    state: Unmanaged.passUnretained(self).toOpaque(),
                    deliver: { state, _ in Unmanaged<Meddler>.fromOpaque(state!).takeUnretainedValue().meddle() }
                )
                open.append((loop, index))
                change(loop, index)
            case 3, 4:
                if !open.isEmpty {
                    let one = random.pick(open)
                    change(one.loop, one.index)
                }
            case 5: closeOne()
            default:
                _ = random.pick(["c0", "c1", "c2"]).withView {
                    broker.kick($0, 0x98, dropSession: random.below(2) == 0)
                }
                broker.forEachRoute { _, _ in }
            }
        }

        private func change(_ loop: Int, _ index: Int32) {
            let broker = plugin.world.brokers[loop]
            random.pick(ReentrancyTests.filters).withView { filter in
                if random.below(2) == 0 {
                    broker.addFilter(index, filter)
                    broker.handRetained(filter, to: index)
                } else {
                    broker.removeFilter(index, filter)
                }
            }
        }

        func closeOne() {
            if open.isEmpty { return }
            let one = open.remove(at: random.below(open.count))
            plugin.world.brokers[one.loop].closeDestination(one.index)
        }

        func closeAll() { while !open.isEmpty { closeOne() } }
    }

    @Test(arguments: 0..<20) func anyCallInAnyHook(round: Int) {
        var random = SeededRandom(seed: SeededRandom().seed &+ UInt64(round))
        let seed = random.seed
        let plugin = ScriptedPlugin()
        let meddler = Meddler(plugin, SeededRandom(seed: random.next()))
        plugin.recordsLife = true
        plugin.recordsRoutes = true
        plugin.happened = { meddler.meddle() }
        plugin.hooksConnect = true
        func next() -> Int {
            meddler.meddle()
            return Int(ISTH_NEXT)
        }
        plugin.connect = { _ in next() }
        plugin.authenticate = { _, _, _ in
            meddler.meddle()
            return Int(ISTH_ALLOW)
        }
        plugin.authorize = { _, _, _, _ in next() }
        plugin.subscribe = { _, _ in next() }
        plugin.publish = { _, _ in next() }
        if round % 2 == 0 {
            plugin.deliver = { _, _ in next() }
            plugin.dropped = { _, _, _ in meddler.meddle() }
        }
        plugin.acked = { _, _ in meddler.meddle() }
        let world = World(loops: 1 + round % 3, plugins: [plugin])
        for _ in 0..<60 {
            let client = TestClient(world, "c\(random.below(3))", loop: random.below(world.brokers.count))
            client.connect(cleanStart: random.below(2) == 0, sessionExpiry: random.below(2) == 0 ? 0 : 100)
            guard !client.isClosed else { continue }
            _ = client.subscribe(random.pick(Self.filters), random.pick([.atMostOnce, .atLeastOnce, .exactlyOnce]))
            guard !client.isClosed else { continue }
            _ = client.publish(random.pick(Self.topics), "x")
            guard !client.isClosed else { continue }
            if random.below(2) == 0 { client.vanish() } else { client.disconnect() }
        }
        plugin.happened = nil
        meddler.closeAll()
        for broker in world.brokers { broker.shutDown() }
        world.settle()
        world.advance(seconds: 200)
        for broker in world.brokers { #expect(broker.destinations.count == 0, "TEST_SEED=\(seed)") }
    }

    /// Each plugin hears of the changes in their order, also of those that another one's hook makes.
    @Test func aFilterThatComesAndGoesWhileItsEndIsTold() {
        let plugins = [ScriptedPlugin(), ScriptedPlugin()]
        for plugin in plugins { plugin.recordsRoutes = true }
        let world = World(plugins: plugins)
        let client = TestClient.connected(world, "c")
        client.subscribe("a")
        var isDone = false
        plugins[0].happened = {
            if isDone { return }
            isDone = true
            let broker = world.broker
            let index = broker.openDestination(identifier: 1, isSubscription: true, state: nil, deliver: { _, _ in })
            "a".withView {
                broker.addFilter(index, $0)
                broker.removeFilter(index, $0)
            }
            broker.closeDestination(index)
        }
        _ = client.unsubscribe("a")
        for plugin in plugins { #expect(plugin.events == ["+a|", "-a|", "+a|", "-a|"]) }
        #expect(world.broker.filterCount == 0)
    }

    /// Two loops whose hooks publish to each other must not wait for each other.
    @Test func serialPluginsShareOneLock() {
        let (one, other) = (0, 1)
        let plugins = [one, other].map { _ in HookedPlugin(hooks: isth_hooks(), state: nil, isSerial: true) }
        #expect(plugins[one].lock != nil)
        #expect(plugins[one].lock === plugins[other].lock)
        #expect(HookedPlugin(hooks: isth_hooks(), state: nil).lock == nil)
    }
}
