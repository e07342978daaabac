// SPDX-License-Identifier: Apache-2.0
// The socket of an outbound connection. It hands everything on to its owner; once that lets go of it, it sends the
// last bytes and closes by itself.

import MQTT
import Reactor

final class ClientStream: Stream, @unchecked Sendable {
    /// How long the last bytes may take.
    private static let farewellMilliseconds: UInt64 = 2000

    /// Nil once the owner has let go.
    private var owner: OutboundConnection?
    private var farewell = ClientOutput()
    private var farewellTimer = TimerID.none

    init(fd: Int32, peer: SocketAddress, tls: TLSSession?, owner: OutboundConnection) {
        self.owner = owner
        super.init(fd: fd, loop: owner.loop, peer: peer, tls: tls)
    }

    /// The owner is told nothing any more. Sends `rest`, which the stream takes over, and closes so that it arrives.
    func letGo(sending rest: ClientOutput) {
        owner = nil
        farewell = rest
        guard farewell.waiting > 0 else {
            closeNow()
            return
        }
        farewellTimer = loop.schedule(after: Self.farewellMilliseconds) { [weak self] in self?.closeNow() }
        sendFarewell()
    }

    private func sendFarewell() {
        farewell.consumed(write(farewell.view.raw))
        if farewell.waiting == 0 { close() }
    }

    override func received(_ bytes: UnsafeRawBufferPointer) { owner?.received(ByteView(bytes), from: self) }

    override func handshakeCompleted() { owner?.handshakeCompleted() }

    override func writable() {
        if let owner { owner.writable() } else { sendFarewell() }
    }

    override func ended(_ reason: EndReason) {
        loop.cancel(farewellTimer)
        farewell.deallocate()
        let owner = owner
        self.owner = nil
        owner?.ended(reason)
    }
}
