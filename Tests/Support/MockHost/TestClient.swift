// SPDX-License-Identifier: Apache-2.0
// A client as hooks see it, with memory of its own behind the views and the slot.

import Glibc
import PluginAPI
import PluginKit

public final class TestClient {
    private let pointer: UnsafeMutablePointer<isth_client>
    private let slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var texts: [UnsafeMutablePointer<CChar>] = []

    public init(
        _ clientID: String,
        username: String? = nil,
        peer: String = "192.0.2.1",
        listener: String = "tcp:default",
        commonName: String = "",
        hasPassword: Bool = false,
        hasSlot: Bool = true
    ) {
        pointer = .allocate(capacity: 1)
        slot = .allocate(capacity: 1)
        slot.initialize(to: nil)
        var client = isth_client()
        client.size = UInt32(MemoryLayout<isth_client>.size)
        client.client_id = keep(clientID)
        client.username = keep(username ?? "")
        client.listener = keep(listener)
        client.peer_addr = keep(peer)
        client.tls_common_name = keep(commonName)
        client.flags =
            (username == nil ? 0 : UInt32(ISTH_CLIENT_HAS_USERNAME))
            | (hasPassword ? UInt32(ISTH_CLIENT_HAS_PASSWORD) : 0)
        client.slot = hasSlot ? slot : nil
        pointer.initialize(to: client)
    }

    deinit {
        for text in texts { free(text) }
        // No memory begins at an odd address: it is a number that the plugin keeps there.
        if UInt(bitPattern: slot.pointee) & 1 == 0 { free(slot.pointee) }
        slot.deallocate()
        pointer.deallocate()
    }

    /// Runs a hook on the client, which stays where it is until `body` returns.
    public func callAsFunction<Result>(_ body: (UnsafeMutablePointer<isth_client>) throws -> Result) rethrows -> Result
    {
        try withExtendedLifetime(self) { try body(pointer) }
    }

    public var hasSlotContent: Bool { slot.pointee != nil }

    /// The client is somebody else from now on, as after it has authenticated again.
    public func rename(username: String) { pointer.pointee.username = keep(username) }

    private func keep(_ text: String) -> isth_str {
        guard let copy = strdup(text) else { return isth_str() }
        texts.append(copy)
        return isth_str(ptr: copy, len: strlen(copy))
    }
}
