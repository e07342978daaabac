// SPDX-License-Identifier: Apache-2.0
// Plain streams against a blocking peer: partial writes, half-close, RST in every state, pausing, closing.

import Glibc
import Testing

@testable import Reactor

@Suite struct StreamTests {
    private func echo(_ stream: ProbeStream) {
        stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
    }

    @Test func echoesMegabytesThroughSmallBuffers() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            setOption(stream.fd, SOL_SOCKET, SO_SNDBUF, 4096)
            stream.keepsBytes = false
            echo(stream)
        }
        let peer = Peer(port: server.port, receiveBuffer: 4096)
        let bytes = pattern(4 << 20)
        let sender = try Thread(name: "sender") { peer.send(bytes) }
        // A slow reader by construction: small buffers, and it asks for little at a time.
        var got: [UInt8] = []
        while got.count < bytes.count { got += peer.read(min(10_000, bytes.count - got.count)) }
        sender.join()
        #expect(got == bytes)
        let record = server.stream().record.current
        #expect(record.writables > 0, "the socket never was full: nothing was tested")
        #expect(record.ends.isEmpty)
        running.finish()
    }

    @Test func vectoredWriteTakesPartAndGoesOn() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        let bytes = pattern(8 << 20)
        let taken = running.on { _ in
            bytes.withUnsafeBytes { raw in
                var pieces: [iovec] = []
                var offset = 0
                while offset < raw.count {
                    let count = min(offset % 7000 + 1, raw.count - offset)
                    pieces.append(
                        iovec(iov_base: UnsafeMutableRawPointer(mutating: raw.baseAddress! + offset), iov_len: count)
                    )
                    offset += count
                }
                return pieces.withUnsafeBufferPointer { stream.write(iovecs: $0) }
            }
        }
        #expect(taken > 0 && taken < bytes.count)
        #expect(peer.read(taken) == Array(bytes[0..<taken]))
        stream.record.wait { $0.writables == 1 }
        running.on { _ in stream.closeNow() }
        #expect(peer.readAll().isEmpty)
        running.finish()
    }

    @Test func emptyWritesTakeNothing() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        #expect(running.on { _ in stream.write(UnsafeRawBufferPointer(start: nil, count: 0)) } == 0)
        #expect(running.on { _ in stream.write(iovecs: UnsafeBufferPointer(start: nil, count: 0)) } == 0)
        running.on { _ in stream.closeNow() }
        #expect(running.on { _ in [1, 2].withUnsafeBytes { stream.write($0) } } == 0, "closed")
        #expect(peer.waitForEnd() == 0)
        running.finish()
    }

    @Test func finEndsAfterAllBytesWereDelivered() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let bytes = pattern(3 << 20)
        peer.send(bytes)
        peer.shutdownWrite()
        let record = server.stream().record.wait { !$0.ends.isEmpty }
        #expect(record.bytes == bytes)
        #expect(record.ends == [.peerClosed])
        #expect(peer.waitForEnd() == 0)
        running.finish()
    }

    @Test func halfCloseLeavesTheOtherDirectionOpenIfWanted() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            stream.endsWithPeer = false
            setOption(stream.fd, SOL_SOCKET, SO_SNDBUF, 4096)
            echo(stream)
        }
        let peer = Peer(port: server.port, receiveBuffer: 4096)
        let bytes = pattern(2 << 20)
        let sender = try Thread(name: "sender") {
            peer.send(bytes)
            peer.shutdownWrite()
        }
        let stream = server.stream()
        // Bytes wait in both directions while the peer's side is finished.
        stream.record.wait { $0.count == bytes.count && $0.peerFinished == 1 }
        #expect(running.on { _ in stream.unsent } > 0)
        running.on { _ in stream.closesWhenSent = true }
        #expect(peer.readAll() == bytes)
        sender.join()
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.closedLocally])
        running.finish()
    }

    @Test func ourHalfCloseStillReads() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        running.on { _ in
            stream.push(Array("last words".utf8))
            stream.shutdownWrite()
            #expect([1].withUnsafeBytes { stream.write($0) } == 0)
        }
        #expect(peer.readAll() == Array("last words".utf8))
        peer.send([1, 2, 3])
        stream.record.wait { $0.bytes == [1, 2, 3] }
        peer.close()
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.peerClosed])
        running.finish()
    }

    @Test func resetRightAfterAccept() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        peer.reset()
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        running.finish()
    }

    @Test func resetInTheMiddleOfWriting() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        running.on { _ in stream.push(pattern(16 << 20)) }
        #expect(running.on { _ in stream.unsent } > 0)
        _ = peer.read(1000)
        peer.reset()
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        running.finish()
    }

    @Test func resetInTheMiddleOfReading() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        peer.send(pattern(100_000))
        server.stream().record.wait { $0.count > 0 }
        peer.reset()
        #expect(server.stream().record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        running.finish()
    }

    @Test func resetWhilePausedIsSeen() throws {
        let running = try RunningLoop()
        let server = try Server(running) { $0.pauseReading() }
        let peer = Peer(port: server.port)
        peer.send([1, 2, 3])
        let stream = server.stream()
        peer.reset()
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        #expect(stream.record.current.count == 0)
        running.finish()
    }

    @Test func failureInsideWriteIsToldLater() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        let (endedInside, results) = running.on { _ in
            peer.reset()
            // The first write meets the reset or provokes it; one of the next is refused.
            let results = (0..<3).map { _ in [1].withUnsafeBytes { stream.write($0) } }
            return (!stream.isOpen, results)
        }
        #expect(!endedInside)
        #expect(results.last == 0)
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        running.finish()
    }

    @Test func pausedStreamDeliversNothingUntilResumed() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            stream.onReceive = { stream, _ in stream.pauseReading() }
        }
        let peer = Peer(port: server.port)
        peer.send([1])
        let stream = server.stream()
        stream.record.wait { $0.count == 1 }
        peer.send([2])
        peer.close()
        // Turns of the loop in which epoll has the byte and the FIN to report.
        for _ in 0..<50 { running.on { _ in } }
        #expect(stream.record.current.count == 1)
        running.on { _ in stream.resumeReading() }
        stream.record.wait { $0.bytes == [1, 2] }
        #expect(stream.record.current.ends.isEmpty)
        running.on { _ in stream.resumeReading() }
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.peerClosed])
        running.finish()
    }

    @Test func hangUpOfAPausedUnixPeerDoesNotSpinAndLosesNothing() throws {
        let running = try RunningLoop()
        var pair: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, 1 | 0o4000, 0, &pair) == 0)
        let (ours, theirs) = (pair[0], pair[1])
        let stream = running.on { loop in
            let stream = ProbeStream(fd: ours, loop: loop)
            stream.pauseReading()
            return stream
        }
        #expect(stream.peer == .unix)
        let bytes = pattern(16)
        #expect(bytes.withUnsafeBytes { send(theirs, $0.baseAddress, $0.count, 0) } == bytes.count)
        close(theirs)
        // The end of the turn whose poll reports the hang-up, and one more, which would report it again.
        for _ in 0..<3 { running.on { _ in } }
        #expect(running.on { _ in stream.state.contains(.parked) })
        #expect(running.on { _ in stream.interest } == 0, "epoll would report it again and again")
        #expect(stream.record.current.count == 0)
        #expect(stream.record.current.ends.isEmpty)
        running.on { _ in stream.resumeReading() }
        let record = stream.record.wait { !$0.ends.isEmpty }
        #expect(record.bytes == bytes)
        #expect(record.ends == [.peerClosed])
        running.finish()
    }

    @Test func lingeringCloseSavesTheLastBytesFromRST() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            stream.onReceive = { stream, _ in
                stream.push(Array("goodbye".utf8))
                stream.close()
            }
        }
        let peer = Peer(port: server.port)
        // More than was read is on its way when the server closes.
        let sender = try Thread(name: "sender") {
            for _ in 0..<64 { peer.send(pattern(100_000)) }
            peer.shutdownWrite()
        }
        sender.join()
        #expect(peer.readAll() == Array("goodbye".utf8))
        let stream = server.stream()
        #expect(stream.record.current.ends == [.closedLocally])
        while running.on({ _ in stream.fd >= 0 }) {}
        running.finish()
    }

    @Test func lingeringEndsByTimeOut() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        running.on { _ in stream.close(lingerMilliseconds: 20) }
        #expect(stream.record.current.ends == [.closedLocally])
        while running.on({ _ in stream.fd >= 0 }) {}
        #expect(running.on { $0.timerCount } == 0)
        #expect(peer.waitForEnd() == 0)
        running.finish()
    }

    @Test func endIsToldOnceWhateverIsCalled() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            stream.onEnd = { stream in
                stream.closeNow()
                stream.close()
            }
        }
        let peer = Peer(port: server.port)
        let stream = server.stream()
        running.on { _ in
            stream.close()
            stream.closeNow()
            stream.shutdownWrite()
        }
        peer.close()
        while running.on({ _ in stream.fd >= 0 }) {}
        #expect(stream.record.current.ends == [.closedLocally])
        running.finish()
    }

    @Test func oneHandlerClosesManyStreamsThatHaveEvents() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peers = (0..<50).map { _ in Peer(port: server.port) }
        let all = server.streams.wait { $0.count == 50 }
        let others = Unchecked(all)
        let ended = Watched(0)
        running.on { _ in
            for stream in others.value {
                stream.onReceive = { stream, _ in
                    for other in others.value where other !== stream { other.closeNow() }
                }
                stream.onEnd = { _ in ended.change { $0 += 1 } }
            }
            // All have bytes before the loop polls again, so their events come in one turn.
            for peer in peers { peer.send([1]) }
        }
        ended.wait { $0 == 49 }
        running.on { _ in }
        let readers = all.filter { $0.record.current.count > 0 }
        #expect(readers.count == 1, "a stale event reached a closed stream")
        #expect(all.filter { $0.record.current.ends == [.closedLocally] }.count == 49)
        let left = peers.filter { peer in
            var byte: UInt8 = 0
            return recv(peer.fd, &byte, 1, Int32(0x40)) < 0 && errno == EAGAIN
        }
        #expect(left.count <= 1)
        running.finish()
        for stream in all { stream.onReceive = nil }
    }

    @Test func closedStreamLivesToTheEndOfTheTurnAndNoLonger() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        server.stream(0).record.wait { $0.ends.isEmpty }
        weak let watched = server.stream(0)
        let aliveAfterClose = running.on { _ in
            server.streams.change { streams in
                streams[0].closeNow()
                streams = []
            }
            // Epoll's answer of this turn may still point at it.
            return watched != nil
        }
        #expect(aliveAfterClose)
        #expect(running.on { _ in watched == nil })
        #expect(peer.waitForEnd() == 0)
        running.finish()
    }

    @Test func descriptorReusedInTheSameTurnGetsNoStaleEvent() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peers = (0..<2).map { _ in Peer(port: server.port) }
        let streams = Unchecked(server.streams.wait { $0.count == 2 })
        let fresh = Watched<[ProbeStream]>([])
        running.on { loop in
            for (index, stream) in streams.value.enumerated() {
                stream.onReceive = { _, _ in
                    guard fresh.current.isEmpty else { return }
                    let other = streams.value[1 - index]
                    let number = other.fd
                    other.closeNow()
                    var pair: [Int32] = [0, 0]
                    socketpair(AF_UNIX, 1 | 0o4000, 0, &pair)
                    if pair[0] != number { pair.swapAt(0, 1) }
                    let stream = ProbeStream(fd: pair[0], loop: loop)
                    stream.onEnd = { _ in close(pair[1]) }
                    fresh.change { $0 = [stream] }
                }
            }
            for peer in peers { peer.send([1]) }
        }
        let stream = fresh.wait { !$0.isEmpty }[0]
        for _ in 0..<5 { running.on { _ in } }
        #expect(stream.record.current.ends.isEmpty)
        #expect(stream.record.current.count == 0)
        running.finish()
        for stream in streams.value { stream.onReceive = nil }
    }

    @Test func oneTurnBringsNoMoreThanTheReadBuffer() throws {
        let running = try RunningLoop()
        let biggest = Watched(0)
        let server = try Server(running) { stream in
            stream.keepsBytes = false
            stream.onReceive = { _, bytes in biggest.change { $0 = max($0, bytes.count) } }
        }
        let peer = Peer(port: server.port)
        peer.send(pattern(3 << 20))
        server.stream().record.wait { $0.count == 3 << 20 }
        #expect(biggest.current <= EventLoop.readBufferSize)
        running.finish()
    }

    @Test func addressesAndSizeOfAnIdleStream() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        #expect(stream.peer.host == "127.0.0.1")
        #expect(stream.peer.isLoopback)
        #expect(running.on { _ in stream.local.port } == server.port)
        var own = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &own) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(peer.fd, $0, &length) }
        }
        #expect(stream.peer == SocketAddress(own))
        var delay: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(stream.fd, Int32(IPPROTO_TCP), TCP_NODELAY, &delay, &size)
        #expect(delay != 0, "inherited from the listener")
        // What the allocator really gives: the subclass's own fields are a few words.
        #expect(allocationSize(Unmanaged.passUnretained(stream).toOpaque()) <= 200)
        running.finish()
    }

    @Test func unwatchableDescriptorEndsInTheNextTurn() throws {
        let running = try RunningLoop()
        // A regular file: epoll refuses it.
        let stream = running.on { loop in ProbeStream(fd: open("/proc/self/exe", O_RDONLY), loop: loop) }
        #expect(stream.record.wait { !$0.ends.isEmpty }.ends == [.failed(EPERM)])
        #expect(EndReason.failed(EPERM).sentence == "the connection failed: operation not permitted")
        running.finish()
    }
}

/// The C library's own answer; Swift's Glibc module leaves it out.
@_silgen_name("malloc_usable_size")
private func allocationSize(_ address: UnsafeMutableRawPointer) -> Int
