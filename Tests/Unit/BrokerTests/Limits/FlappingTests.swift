// SPDX-License-Identifier: Apache-2.0
// A client that comes and goes too often is kept out for a while, on every loop, and nobody else is.

import MQTT
import Testing

@testable import Broker

@Suite struct FlappingTests {
    private func world(loops: Int = 1) -> World {
        let world = World(loops: loops)
        let detector = FlappingDetector(maximumCount: 3, windowTime: 1000, banTime: 5000)
        for broker in world.brokers { broker.flapping = detector }
        return world
    }

    private func comeAndGo(_ world: World, loop: Int = 0) {
        let client = TestClient.connected(world, "flaps", loop: loop)
        #expect(!client.isClosed)
        client.vanish()
    }

    @Test(arguments: [(ProtocolVersion.v5, UInt8(0x8A)), (.v311, 0x87)])
    func itIsKeptOutForAWhile(version: ProtocolVersion, code: UInt8) {
        let world = world(loops: 2)
        for i in 0..<3 { comeAndGo(world, loop: i % 2) }
        for loop in 0..<2 {
            let client = TestClient(world, "flaps", version, loop: loop)
            client.connect()
            #expect(client.take().map(\.reason) == [code])
            #expect(client.isClosed)
        }
        #expect(!TestClient.connected(world, "other").isClosed)
        world.advance(4999)
        let early = TestClient(world, "flaps")
        early.connect()
        #expect(early.isClosed)
        world.advance(1)
        comeAndGo(world)
        comeAndGo(world)
    }

    @Test func endsThatAreFarApartDoNotCount() {
        let world = world()
        for _ in 0..<10 {
            comeAndGo(world)
            comeAndGo(world)
            world.advance(1000)
        }
    }

    @Test func namesAreForgotten() {
        let detector = FlappingDetector(maximumCount: 2, windowTime: 1000, banTime: 5000, capacity: 100)
        for i in 0..<110 { _ = "\(i)".withView { detector.ended($0, at: 1) } }
        #expect(detector.count == 100)
        #expect("0".withView { detector.ended($0, at: 2) })
        _ = "later".withView { detector.ended($0, at: 1001) }
        // Only the one that is kept out is still of interest.
        #expect(detector.count == 2)
        #expect("0".withView { detector.isBanned($0, at: 5001) })
        #expect(!"0".withView { detector.isBanned($0, at: 5002) })
    }
}
