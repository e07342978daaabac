// SPDX-License-Identifier: Apache-2.0
// A session goes to whom it was made for, and to nobody else who knows its client identifier.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct SessionIdentityTests {
    /// Every user is let in; who has none is not the plugin's business.
    private func world(_ loops: Int, overrides: Bool = false) -> World {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, _, _ in Int(ISTH_ALLOW) }
        var settings = BrokerSettings()
        settings.overridesIdentity = overrides
        return World(loops: loops, settings, plugins: [plugin])
    }

    private func connect(
        _ world: World,
        as user: String?,
        _ version: ProtocolVersion = .v5,
        loop: Int = 0,
        clean: Bool = false,
        will: TestClient.Will? = nil,
        prepare: (inout ConnectionOrigin) -> Void = { _ in }
    ) -> (TestClient, connack: Packet?) {
        let client = TestClient(world, "c", version, loop: loop, prepare: prepare)
        client.connect(
            cleanStart: clean,
            sessionExpiry: version == .v5 ? 1000 : nil,
            will: will,
            userName: user
        )
        return (client, client.take().first)
    }

    private static let refusal = ReasonCode.clientIdentifierNotValid.rawValue

    @Test(arguments: [1, 2], [false, true])
    func anotherUserGetsNothingAndChangesNothing(loops: Int, clean: Bool) {
        let world = world(loops)
        let watcher = TestClient.connected(world, "w")
        watcher.subscribe("will")
        let (ann, _) = connect(world, as: "ann", will: TestClient.Will(topic: "will"))
        ann.subscribe("a", .atLeastOnce)
        // While she is there.
        let (first, refused) = connect(world, as: "bob", loop: loops - 1, clean: clean)
        #expect(refused?.reason == Self.refusal && first.isClosed)
        #expect(!ann.isClosed)
        ann.vanish()
        #expect(watcher.takeTexts() == ["gone"])
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "secret", qos: .atLeastOnce)
        // While she is away.
        let (second, again) = connect(world, as: "bob", loop: loops - 1, clean: clean)
        #expect(again?.reason == Self.refusal && second.isClosed)
        #expect(world.brokers.reduce(0) { $0 + Int($1.counters.sessionsDenied) } == 2)
        let (back, connack) = connect(world, as: "ann", loop: loops - 1)
        #expect(connack?.sessionPresent == true)
        publisher.publish("a", "more", qos: .atLeastOnce)
        #expect(back.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text).last == "more")
        #expect(world.brokers.reduce(0) { $0 + $1.sessionCount } == 3)
    }

    @Test(arguments: [1, 2])
    func theQueueIsTheOwners(loops: Int) {
        let world = world(loops)
        let (ann, _) = connect(world, as: "ann")
        ann.subscribe("a", .atLeastOnce)
        ann.vanish()
        TestClient.connected(world, "p").publish("a", "secret", qos: .atLeastOnce)
        let client = TestClient(world, "c", loop: loops - 1)
        client.connect(cleanStart: false, sessionExpiry: 1000, userName: "ann")
        #expect(client.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text) == ["secret"])
    }

    @Test(arguments: [1, 2])
    func whoeverComesMayHaveItIfTheKeySaysSo(loops: Int) {
        let world = world(loops, overrides: true)
        let (ann, _) = connect(world, as: "ann")
        let (_, connack) = connect(world, as: "bob", loop: loops - 1)
        #expect(connack?.reason == 0 && connack?.sessionPresent == true)
        #expect(ann.take().map(\.reason) == [ReasonCode.sessionTakenOver.rawValue])
    }

    @Test(arguments: [ProtocolVersion.v31, .v311])
    func olderClientsAreRefused(version: ProtocolVersion) {
        let world = world(1)
        _ = connect(world, as: "ann", version)
        let (_, connack) = connect(world, as: "bob", version)
        #expect(connack?.reason == Self.refusal)
    }

    @Test func anEndedSessionIsNobodys() {
        let world = world(2)
        let (ann, _) = connect(world, as: "ann")
        ann.disconnect(sessionExpiry: 0)
        let (bob, connack) = connect(world, as: "bob", loop: 1)
        #expect(connack?.reason == 0 && connack?.sessionPresent == false)
        bob.vanish()
        world.advance(seconds: 1000)
        let (_, again) = connect(world, as: "ann")
        #expect(again?.reason == 0)
    }

    /// Nobody asks on this listener, so that anybody can be called ann there.
    @Test(arguments: [1, 2])
    func aNameThatNobodyHasCheckedIsNoUser(loops: Int) {
        let world = world(loops)
        _ = connect(world, as: "ann")
        let (_, connack) = connect(world, as: "ann", loop: loops - 1) { $0.admission = .everybody }
        #expect(connack?.reason == Self.refusal)
    }

    @Test func anAnonymousSessionIsItsListeners() {
        let world = World()
        _ = connect(world, as: nil) { $0.listener = "tcp:one" }
        #expect(connect(world, as: nil) { $0.listener = "tcp:two" }.connack?.reason == Self.refusal)
        #expect(connect(world, as: nil) { $0.listener = "tcp:one" }.connack?.sessionPresent == true)
        // Nobody has checked that this is ann.
        #expect(connect(world, as: "ann") { $0.listener = "tcp:one" }.connack?.sessionPresent == true)
    }

    @Test func aUserMayComeInAtAnotherDoor() {
        let world = world(1)
        _ = connect(world, as: "ann") { $0.listener = "tcp:one" }
        #expect(connect(world, as: "ann") { $0.listener = "ssl:two" }.connack?.sessionPresent == true)
    }

    @Test func aCertificateIsAnIdentity() {
        let world = World()
        func certified(_ name: String, _ listener: String) -> UInt8? {
            connect(world, as: nil) { origin in
                origin.listener = listener
                origin.commonName = name
                origin.hasCertificate = true
            }.connack?.reason
        }
        #expect(certified("device-1", "ssl:one") == 0)
        #expect(certified("device-2", "ssl:one") == Self.refusal)
        #expect(certified("device-1", "wss:two") == 0)
        #expect(connect(world, as: nil) { $0.listener = "ssl:one" }.connack?.reason == Self.refusal)
    }

    /// Behind another mountpoint the session's filters would be other filters.
    @Test func aMountpointBelongsToIt() throws {
        let world = world(1)
        let inner = try MountpointTemplate("in/")
        let outer = try MountpointTemplate("out/")
        _ = connect(world, as: "ann") { $0.mountpoint = inner }
        #expect(connect(world, as: "ann") { $0.mountpoint = outer }.connack?.reason == Self.refusal)
        #expect(connect(world, as: "ann").connack?.reason == Self.refusal)
        #expect(connect(world, as: "ann") { $0.mountpoint = inner }.connack?.sessionPresent == true)
    }
}
