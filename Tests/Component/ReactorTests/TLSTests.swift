// SPDX-License-Identifier: Apache-2.0
// TLS streams against a blocking OpenSSL client, and against themselves: data in bulk, ends of every kind, clients that
// do not belong here.

import COpenSSL
import Glibc
import Testing

@testable import Reactor

@Suite struct TLSTests {
    private func echo(_ stream: ProbeStream) {
        stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func echoesMegabytes(version: Int32) throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            setOption(stream.fd, SOL_SOCKET, SO_SNDBUF, 8192)
            stream.keepsBytes = false
            echo(stream)
        }
        let peer = TLSPeer(port: server.port, version: version)
        #expect(peer.handshake())
        let bytes = pattern(8 << 20)
        // One SSL object is for one thread, so sending and reading take turns; 64 KB at a time wait on the way.
        var got: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 65_536) {
            #expect(peer.send(Array(bytes[start..<min(start + 65_536, bytes.count)])))
            got += peer.read(65_536)
        }
        #expect(got == bytes)
        let stream = server.stream()
        #expect(stream.record.current.handshakes == 1)
        let (seenVersion, cipher) = running.on { _ in (stream.tls?.version, stream.tls?.cipher) }
        #expect(seenVersion == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"))
        #expect(cipher?.contains("AES_128_GCM") == true || cipher?.contains("AES128-GCM") == true)
        running.finish()
    }

    /// Our client against our server, both directions at once, on two loops.
    @Test(arguments: [TLSVersion.v12, .v13])
    func bothDirectionsAtOnce(version: TLSVersion) throws {
        let running = try RunningLoop(0)
        let clients = try RunningLoop(1)
        let bytes = pattern(8 << 20)
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            stream.onHandshake = { $0.push(bytes) }
        }
        var settings = clientSettings()
        settings.minimumVersion = version
        settings.maximumVersion = version
        let client = try connect(clients, server, settings) { $0.push(bytes) }
        let atClient = client.record.wait { $0.count >= bytes.count || !$0.ends.isEmpty }
        let atServer = server.stream().record.wait { $0.count >= bytes.count || !$0.ends.isEmpty }
        #expect(atClient.bytes == bytes)
        #expect(atServer.bytes == bytes)
        #expect(atClient.writables > 0 || atServer.writables > 0)
        clients.on { _ in client.closeNow() }
        #expect(server.stream().record.wait { !$0.ends.isEmpty }.ends == [.peerClosed])
        clients.finish()
        running.finish()
    }

    private func connect(
        _ running: RunningLoop,
        _ server: Server,
        _ settings: TLSSettings,
        name: String? = "broker.test",
        onHandshake: ((ProbeStream) -> Void)? = nil
    ) throws -> ProbeStream {
        let session = try TLSContext(settings).makeSession(serverName: name)
        let port = server.port
        return running.on { loop in
            let fd = blockingSocket()
            _ = SocketAddress(numeric: "127.0.0.1", port: port)?.withSockaddr { Glibc.connect(fd, $0, $1) }
            _ = fcntl(fd, F_SETFL, O_NONBLOCK)
            let stream = ProbeStream(fd: fd, loop: loop, tls: session)
            stream.onHandshake = onHandshake
            return stream
        }
    }

    @Test func vectoredWriteIsPutTogether() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        let bytes = pattern(200_000)
        let taken = running.on { _ in
            bytes.withUnsafeBytes { raw in
                let base = UnsafeMutableRawPointer(mutating: raw.baseAddress!)
                var pieces = [iovec(iov_base: nil, iov_len: 0), iovec(iov_base: base, iov_len: 10)]
                pieces.append(iovec(iov_base: base + 10, iov_len: 150_000))
                pieces.append(iovec(iov_base: base + 150_010, iov_len: 49_990))
                return pieces.withUnsafeBufferPointer { stream.write(iovecs: $0) }
            }
        }
        #expect(taken > 0)
        #expect(peer.read(taken) == Array(bytes.prefix(taken)))
        running.finish()
    }

    @Test func fullSocketTakesNoMorePlaintext() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        let bytes = pattern(16 << 20)
        let (first, second) = running.on { _ in
            bytes.withUnsafeBytes { raw in
                let first = stream.write(raw)
                return (first, stream.write(UnsafeRawBufferPointer(rebasing: raw[first...])))
            }
        }
        #expect(first > 0 && first < bytes.count)
        #expect(second == 0, "ciphertext waits already")
        #expect(peer.read(first) == Array(bytes.prefix(first)))
        stream.record.wait { $0.writables == 1 }
        #expect(!running.on { _ in stream.hasWaitingCiphertext })
        running.finish()
    }

    @Test func dataRightBehindFinishedIsDelivered() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let peer = TLSPeer(port: server.port)
        peer.handshakeInMemory()
        #expect(peer.send(Array("CONNECT".utf8)))
        peer.flush()
        #expect(server.stream().record.wait { $0.count > 0 }.bytes == Array("CONNECT".utf8))
        running.finish()
    }

    @Test func writeBeforeTheHandshakeIsMadeUpFor() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings())) { $0.push(Array("early".utf8)) }
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        #expect(peer.read(5) == Array("early".utf8))
        running.finish()
    }

    /// What came in one segment with the end of the handshake is decrypted already when the owner pauses.
    private func pausedStream(_ running: RunningLoop, _ server: Server, _ peer: TLSPeer) -> ProbeStream {
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        #expect(running.on { _ in !(stream.tls?.held.isEmpty ?? true) }, "nothing is held: nothing is tested")
        return stream
    }

    @Test func whatIsHeldInAPauseComesBeforeTheEnd() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            stream.onHandshake = { $0.pauseReading() }
        }
        let peer = TLSPeer(port: server.port)
        peer.handshakeInMemory()
        #expect(peer.send([1, 2, 3]))
        #expect(peer.send([4]))
        peer.sayCloseNotify()
        peer.flush()
        let stream = pausedStream(running, server, peer)
        for _ in 0..<20 { running.on { _ in } }
        #expect(stream.record.current.count == 0)
        #expect(stream.record.current.ends.isEmpty)
        // A pause that begins again at once is one.
        running.on { _ in
            stream.resumeReading()
            stream.pauseReading()
        }
        running.on { _ in }
        #expect(stream.record.current.count == 0)
        #expect(stream.record.current.ends.isEmpty)
        running.on { _ in stream.resumeReading() }
        let record = stream.record.wait { !$0.ends.isEmpty }
        #expect(record.bytes == [1, 2, 3, 4])
        #expect(record.ends == [.peerClosed])
        running.finish()
    }

    @Test func whatIsHeldInAPauseIsNotOvertaken() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            stream.onHandshake = { $0.pauseReading() }
        }
        let peer = TLSPeer(port: server.port)
        peer.handshakeInMemory()
        #expect(peer.send([1, 2, 3]))
        peer.flush()
        let stream = pausedStream(running, server, peer)
        running.on { loop in
            // Epoll watches the socket again, which the pause does not change at once.
            stream.resumeReading()
            stream.pauseReading()
            // The next turn has newer bytes to read, and is to deliver what is held.
            peer.send([4])
            peer.sayCloseNotify()
            peer.flush()
            loop.post { stream.resumeReading() }
        }
        let record = stream.record.wait { !$0.ends.isEmpty }
        #expect(record.bytes == [1, 2, 3, 4])
        #expect(record.ends == [.peerClosed])
        running.finish()
    }

    /// The socket takes far less at a time than what waits for it.
    @Test func ciphertextLeavesInManyPieces() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            setOption(stream.fd, SOL_SOCKET, SO_SNDBUF, 4096)
        }
        let peer = TLSPeer(port: server.port, receiveBuffer: 4096)
        #expect(peer.handshake())
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        let bytes = pattern(TLSTransport.chunkSize)
        let taken = running.on { _ in bytes.withUnsafeBytes { stream.write($0) } }
        #expect(taken == bytes.count, "all of it is encrypted at once")
        #expect(running.on { _ in stream.hasWaitingCiphertext })
        #expect(peer.read(taken) == bytes)
        while running.on({ _ in stream.hasWaitingCiphertext }) {}
        #expect(stream.record.current.ends.isEmpty)
        running.finish()
    }

    @Test func closeNotifyBothWays() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let first = TLSPeer(port: server.port)
        #expect(first.handshake())
        #expect(first.send([1]))
        first.sayCloseNotify()
        let record = server.stream(0).record.wait { !$0.ends.isEmpty }
        #expect(record.bytes == [1])
        #expect(record.ends == [.peerClosed])
        let second = TLSPeer(port: server.port)
        #expect(second.handshake())
        server.stream(1).record.wait { $0.handshakes == 1 }
        running.on { _ in server.stream(1).closeNow() }
        #expect(second.waitForEnd() == SSL_ERROR_ZERO_RETURN)
        running.finish()
    }

    @Test func lingeringCloseSendsWhatWaitsAndCloseNotify() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            setOption(stream.fd, SOL_SOCKET, SO_SNDBUF, 4096)
        }
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        let bytes = pattern(16 << 20)
        let (taken, waits) = running.on { _ in
            let taken = bytes.withUnsafeBytes { stream.write($0) }
            let waits = stream.hasWaitingCiphertext
            stream.close(lingerMilliseconds: 1_000_000)
            return (taken, waits)
        }
        #expect(waits)
        #expect(stream.record.current.ends == [.closedLocally])
        #expect(peer.read(taken) == Array(bytes.prefix(taken)))
        #expect(peer.waitForEnd() == SSL_ERROR_ZERO_RETURN)
        peer.socket.close()
        while running.on({ _ in stream.fd >= 0 }) {}
        #expect(running.on { $0.timerCount } == 0)
        running.finish()
    }

    @Test func endOfStreamWithoutCloseNotifyIsAnEnd() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        #expect(peer.send([1, 2]))
        // No close: with the ticket unread that would be a reset.
        peer.socket.shutdownWrite()
        let record = server.stream().record.wait { !$0.ends.isEmpty }
        #expect(record.bytes == [1, 2])
        #expect(record.ends == [.peerClosed])
        running.finish()
    }

    @Test func resetIsReported() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        server.stream().record.wait { $0.handshakes == 1 }
        peer.socket.reset()
        #expect(server.stream().record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        running.finish()
    }

    @Test func resetAndEndDuringTheHandshake() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let first = Peer(port: server.port)
        first.send([0x16, 3, 1])
        _ = server.stream(0)
        for _ in 0..<5 { running.on { _ in } }
        first.reset()
        #expect(server.stream(0).record.wait { !$0.ends.isEmpty }.ends == [.peerReset])
        let second = Peer(port: server.port)
        second.send([0x16, 3, 1])
        second.close()
        #expect(
            server.stream(1).record.wait { !$0.ends.isEmpty }.ends
                == [.tls("the peer closed the connection during the TLS handshake")]
        )
        #expect(running.on { $0.timerCount } == 0)
        running.finish()
    }

    @Test func silentClientTimesOut() throws {
        let running = try RunningLoop()
        var settings = serverSettings()
        settings.handshakeMilliseconds = 30
        let server = try Server(running, tls: TLSContext(settings))
        let peer = Peer(port: server.port)
        peer.send([0x16, 3, 1])
        #expect(
            server.stream().record.wait { !$0.ends.isEmpty }.ends
                == [.tls("the TLS handshake was not finished within 30 ms")]
        )
        _ = peer.waitForEnd()
        running.finish()
    }

    @Test(arguments: ["\u{10}\u{10}\0\u{4}MQTT\u{4}\u{2}\0\u{3c}\0\u{4}test", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
    func plainClientIsRecognised(bytes: String) throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let peer = Peer(port: server.port)
        peer.send(Array(bytes.utf8))
        let ends = server.stream().record.wait { !$0.ends.isEmpty }.ends
        #expect(ends == [.notTLS])
        running.finish()
    }

    @Test func tlsClientOnAPlainServerGetsASentence() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            stream.onReceive = { stream, _ in stream.push(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)) }
        }
        let client = try connect(running, server, clientSettings())
        #expect(
            client.record.wait { !$0.ends.isEmpty }.ends
                == [.tls("the server does not speak TLS on this port; turn TLS off or use its TLS port")]
        )
        running.finish()
    }

    @Test func staleErrorOfTheThreadHurtsNobody() throws {
        let running = try RunningLoop()
        let leaveError = { _ = BIO_new_file("/nowhere/file", "r") }
        let server = try Server(running, tls: TLSContext(serverSettings())) { stream in
            leaveError()
            stream.onHandshake = { _ in leaveError() }
            stream.onReceive = { stream, bytes in
                leaveError()
                stream.push(Array(bytes))
                leaveError()
            }
        }
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        for round in UInt8(0)..<3 {
            #expect(peer.send([round]))
            #expect(peer.read(1) == [round])
        }
        #expect(server.stream().record.current.ends.isEmpty)
        running.finish()
    }

    @Test func manyHandshakesAtOnceAllComeThrough() throws {
        let running = try RunningLoop(0)
        let clients = try RunningLoop(1)
        let server = try Server(running, tls: TLSContext(serverSettings())) { echo($0) }
        let context = try TLSContext(clientSettings())
        let port = server.port
        let streams = clients.on { loop in
            (0..<60).compactMap { index -> ProbeStream? in
                let fd = blockingSocket()
                _ = SocketAddress(numeric: "127.0.0.1", port: port)?.withSockaddr { Glibc.connect(fd, $0, $1) }
                _ = fcntl(fd, F_SETFL, O_NONBLOCK)
                guard let session = try? context.makeSession(serverName: "127.0.0.1") else { return nil }
                let stream = ProbeStream(fd: fd, loop: loop, tls: session)
                stream.onHandshake = { $0.push(pattern(1000, seed: UInt64(index))) }
                return stream
            }
        }
        #expect(streams.count == 60)
        for (index, stream) in streams.enumerated() {
            let record = stream.record.wait { $0.count >= 1000 || !$0.ends.isEmpty }
            #expect(record.bytes == pattern(1000, seed: UInt64(index)))
        }
        clients.finish()
        running.finish()
    }
}
