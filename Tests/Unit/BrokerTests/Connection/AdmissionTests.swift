// SPDX-License-Identifier: Apache-2.0
// How a listener lets its clients in, and what a certificate has to say about them.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct AdmissionTests {
    /// Denies everybody and keeps whom it was asked about.
    private func denying() -> ScriptedPlugin {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { client, _, _ in
            plugin.events.append("\(client.client_id.text) \(client.username.text)")
            return Int(ISTH_DENY)
        }
        return plugin
    }

    private func names(_ user: String?, _ client: String?) -> CertificateNames {
        CertificateNames(userName: user.map { Array($0.utf8) }, clientIdentifier: client.map { Array($0.utf8) })
    }

    @Test func everybodyIsAdmittedUnasked() {
        let plugin = denying()
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a", isLoopback: false) { $0.admission = .everybody }
        client.connect()
        #expect(client.take().map(\.reason) == [0])
        #expect(plugin.events == [])
    }

    @Test(arguments: [(false, false, false), (true, false, true), (false, true, true)])
    func nobodyWithoutANameIsAskedAbout(hasUser: Bool, hasCertificate: Bool, isAsked: Bool) {
        let plugin = denying()
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a") {
            $0.admission = .named
            $0.hasCertificate = hasCertificate
        }
        client.connect(userName: hasUser ? "u" : nil)
        #expect(client.take().map(\.reason) == [isAsked ? 0x86 : 0x87])
        #expect(plugin.events.isEmpty != isAsked)
    }

    @Test(arguments: [(true, 0), (false, 0x87)] as [(Bool, UInt8)])
    func requiredCertificateAdmitsWithoutPlugins(isVouchedFor: Bool, reason: UInt8) {
        let world = World()
        let client = TestClient(world, "a", isLoopback: false) {
            $0.hasCertificate = true
            $0.isVouchedFor = isVouchedFor
        }
        client.connect()
        #expect(client.take().map(\.reason) == [reason])
    }

    @Test func requiredCertificateDoesNotOverrulePlugins() {
        let world = World(plugins: [denying()])
        let client = TestClient(world, "a", isLoopback: false) { $0.isVouchedFor = true }
        client.connect(userName: "u")
        #expect(client.take().map(\.reason) == [0x86])
    }

    @Test(
        arguments: [
            ("cert", nil, "said cert"), (nil, "cert", "cert u"), ("one", "two", "two one"), (nil, nil, "said u"),
        ] as [(String?, String?, String)]
    )
    func certificateReplacesNames(user: String?, client: String?, seen: String) {
        let plugin = denying()
        let world = World(plugins: [plugin])
        let said = TestClient(world, "said") { $0.names = names(user, client) }
        said.connect(userName: "u")
        #expect(plugin.events == [seen])
        #expect(world.leftovers == [:])
    }

    @Test func certificateTakesThePlaceOfAnAssignedIdentifier() {
        let plugin = denying()
        let world = World(plugins: [plugin])
        let client = TestClient(world, "", .v311) { $0.names = names("user", "device") }
        client.connect()
        #expect(plugin.events == ["device user"])
    }

    @Test func tooLongANameOfACertificateIsRefused() {
        var settings = BrokerSettings()
        settings.maximumClientIdentifierLength = 23
        let world = World(settings)
        let client = TestClient(world, "a") { $0.names = names(nil, String(repeating: "x", count: 24)) }
        client.connect()
        #expect(client.take().map(\.reason) == [0x85])
    }
}
