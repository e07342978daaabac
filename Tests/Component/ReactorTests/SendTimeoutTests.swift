// SPDX-License-Identifier: Apache-2.0
// The watch over peers that do not take what they are sent, and what listeners hand down to their connections.

import Glibc
import Testing

@testable import Reactor

/// A stream with a send time-out that always has more to send.
private final class FloodingStream: Stream, @unchecked Sendable {
    let ends = Watched<[EndReason]>([])
    var timeout: UInt64 = 60
    private let block = [UInt8](repeating: 7, count: 64 * 1024)

    override var sendTimeoutMilliseconds: UInt64 { timeout }

    override func ended(_ reason: EndReason) { ends.change { $0.append(reason) } }

    override func writable() { flood() }

    override func handshakeCompleted() { flood() }

    func flood() {
        while isOpen, block.withUnsafeBytes({ write($0) }) == block.count {}
    }
}

@Suite struct SendTimeoutTests {
    private func flooded(
        timeout: UInt64,
        tls: TLSContext? = nil,
        options: ListenerOptions = ListenerOptions()
    ) throws -> (RunningLoop, UInt16, Watched<[FloodingStream]>) {
        let running = try RunningLoop()
        let streams = Watched<[FloodingStream]>([])
        let port = running.on { loop -> UInt16 in
            let listener = try? Listener(
                loop: loop,
                endpoint: .tcp(host: "127.0.0.1", port: 0),
                options: options,
                failed: { _ in },
                accepted: { fd, peer in
                    let stream = FloodingStream(fd: fd, loop: loop, peer: peer, tls: try? tls?.makeSession())
                    stream.timeout = timeout
                    if tls == nil { stream.flood() }
                    streams.change { $0.append(stream) }
                }
            )
            return listener?.port ?? 0
        }
        return (running, port, streams)
    }

    @Test func peerThatTakesNothingIsClosed() throws {
        let (running, port, streams) = try flooded(timeout: 60)
        let peer = Peer(port: port, receiveBuffer: 4096)
        let stream = streams.wait { !$0.isEmpty }[0]
        #expect(stream.ends.wait { !$0.isEmpty } == [.sendTimedOut(60)])
        #expect(running.on { $0.timerCount } == 0)
        peer.close()
        running.finish()
    }

    @Test func tlsPeerThatTakesNothingIsClosed() throws {
        let (running, port, streams) = try flooded(timeout: 60, tls: TLSContext(serverSettings()))
        let peer = TLSPeer(port: port)
        #expect(peer.handshake())
        let stream = streams.wait { !$0.isEmpty }[0]
        #expect(stream.ends.wait { !$0.isEmpty } == [.sendTimedOut(60)])
        running.finish()
    }

    @Test func withoutALimitNobodyIsWatched() throws {
        let (running, port, streams) = try flooded(timeout: 0)
        let peer = Peer(port: port, receiveBuffer: 4096)
        let stream = streams.wait { !$0.isEmpty }[0]
        #expect(running.on { $0.timerCount } == 0)
        #expect(running.on { _ in stream.isOpen })
        peer.close()
        running.finish()
    }

    @Test func connectionsInheritTheListenersOptions() throws {
        var options = ListenerOptions()
        options.noDelay = false
        options.sendBuffer = 16_384
        options.receiveBuffer = 32_768
        options.keepAlive = ListenerOptions.KeepAlive(idle: 61, interval: 11, probes: 4)
        let (running, port, streams) = try flooded(timeout: 0, options: options)
        let peer = Peer(port: port)
        let stream = streams.wait { !$0.isEmpty }[0]
        let descriptor = running.on { _ in stream.fd }
        func option(_ level: Int32, _ name: Int32) -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, level, name, &value, &length)
            return value
        }
        let tcp = Int32(IPPROTO_TCP)
        #expect(option(tcp, TCP_NODELAY) == 0)
        #expect(option(tcp, TCP_NOTSENT_LOWAT) == 262_144)
        // The kernel doubles what it is asked for.
        #expect(option(SOL_SOCKET, SO_SNDBUF) == 32_768)
        #expect(option(SOL_SOCKET, SO_RCVBUF) == 65_536)
        #expect(option(SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect([TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map { option(tcp, $0) } == [61, 11, 4])
        peer.close()
        running.finish()
    }
}
