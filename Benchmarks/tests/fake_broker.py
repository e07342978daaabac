# SPDX-License-Identifier: Apache-2.0
"""A broker small enough to be wrong on purpose: for the load generator's tests, no other client.

`tamper(n, packet)` decides what becomes of the n-th PUBLISH: each packet of the list it returns is sent to every subscriber
of its topic, or to the one whose turn it is where they share a subscription.
"""

import base64
import contextlib
import hashlib
import re
import selectors
import socket
import ssl
import threading
from collections.abc import Callable


def deliver(number: int, packet: bytes) -> list[bytes]:
    return [packet]


class FakeBroker:
    def __init__(self, tamper: Callable[[int, bytes], list[bytes]] = deliver, connack: bytes = b"\x20\x03\x00\x00\x00",
                 tls: ssl.SSLContext | None = None, websocket: bool = False):
        self.tamper, self.connack, self.tls = tamper, connack, tls
        self.upgrades: dict[socket.socket, WebSocket] | None = {} if websocket else None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        self.pending: dict[socket.socket, bytes] = {}
        self.subscribers: dict[socket.socket, bytes] = {}  # their topic filters
        self.turn = 0
        self.publishes = 0
        self.connects: list[bytes] = []
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> "FakeBroker":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.wake.send(b"x")
        self.thread.join()
        for each in (self.listener, self.wake, self.woken, self.selector, *self.pending):
            each.close()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            self.selector.register(self.listener, selectors.EVENT_READ)
            self.selector.register(self.woken, selectors.EVENT_READ)
            while True:
                for key, _ in self.selector.select():
                    if key.fileobj is self.woken:
                        return
                    if key.fileobj is self.listener:
                        client = self.listener.accept()[0]
                        if self.tls is not None:
                            client = self.tls.wrap_socket(client, server_side=True)
                        self.pending[client] = b""
                        self.selector.register(client, selectors.EVENT_READ)
                    else:
                        self._read(key.fileobj)
        except Exception as error:  # handed to the test's thread
            self.error = error

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(65536)
            while isinstance(client, ssl.SSLSocket) and client.pending():
                data += client.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        if not data:
            self.selector.unregister(client)
            self.gone(client)
            return
        if self.upgrades is not None:
            data = self.upgrades.setdefault(client, WebSocket()).receive(client, data)
        data = self.pending[client] + data
        while (length := packet_length(data)) <= len(data):
            packet, data = data[:length], data[length:]
            self._handle(client, packet)
        self.pending[client] = data

    def gone(self, client: socket.socket) -> None:
        self.subscribers.pop(client, None)

    def _handle(self, client: socket.socket, packet: bytes) -> None:
        kind = packet[0] >> 4
        if kind == 1:
            self.connects.append(packet)
            self.send(client, self.connack)
        elif kind == 8:
            self.subscribers[client] = packet[7:-1]
            self.send(client, bytes([0x90, 4, packet[2], packet[3], 0, packet[-1]]))
        elif kind == 3:
            self._publish(client, packet)
        elif kind == 5:
            self.send(client, bytes([0x62, 2]) + packet[2:4])
        elif kind == 6:
            self.send(client, bytes([0x70, 2]) + packet[2:4])

    def _publish(self, client: socket.socket, packet: bytes) -> None:
        number, self.publishes = self.publishes, self.publishes + 1
        for copy in self.tamper(number, packet):
            for subscriber in self.receivers(copy[4:4 + copy[3]]):
                self.send(subscriber, copy)
        if packet[0] & 0x06:
            identifier = 4 + packet[3]
            self.send(client, bytes([0x40 if packet[0] & 2 else 0x50, 2]) + packet[identifier:identifier + 2])

    def receivers(self, topic: bytes) -> list[socket.socket]:
        members = [client for client, topic_filter in self.subscribers.items() if topic_filter == b"$share/load/" + topic]
        if members:
            self.turn += 1
            return [members[self.turn % len(members)]]
        return [client for client, topic_filter in self.subscribers.items() if topic_filter == topic]

    def send(self, client: socket.socket, data: bytes) -> None:
        if self.upgrades is not None:
            data = WebSocket.frames(data)
        send(client, data)


def packet_length(data: bytes) -> float:
    """Of the packet that begins here; without end while its length has not come."""
    remaining = 0
    for i, byte in enumerate(data[1:5]):
        remaining |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return 2 + i + remaining
    return float("inf")


def send(client: socket.socket, data: bytes) -> None:
    # The generator resets its connections when its run is over.
    with contextlib.suppress(ConnectionResetError, BrokenPipeError, ssl.SSLError):
        client.sendall(data)


class WebSocket:
    """The server's side of one connection: what was received and is not a whole frame yet."""

    def __init__(self):
        self.buffer = b""
        self.upgraded = False

    def receive(self, client: socket.socket, data: bytes) -> bytes:
        """Returns the payload of the frames that are whole now."""
        self.buffer += data
        if not self.upgraded:
            request, end, self.buffer = self.buffer.partition(b"\r\n\r\n")
            assert end and b"Sec-WebSocket-Protocol: mqtt" in request.split(b"\r\n"), request
            key = re.search(rb"\r\nSec-WebSocket-Key: (.*)\r\n", request)[1]
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            self.upgraded = True
        payload = b""
        while len(self.buffer) >= 6 and len(self.buffer) >= 6 + (self.buffer[1] & 0x7F):
            length = self.buffer[1] & 0x7F
            assert self.buffer[0] == 0x82 and self.buffer[1] >= 0x80 and length < 126, "no short, masked, whole frame"
            mask, frame = self.buffer[2:6], self.buffer[6:6 + length]
            payload += bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame))
            self.buffer = self.buffer[6 + length:]
        return payload

    @staticmethod
    def frames(data: bytes) -> bytes:
        """Two frames with a ping in between, so that neither ends where a packet does; the second has a long length."""
        cut = len(data) // 2
        return (bytes([0x02, cut]) + data[:cut] + b"\x89\x02hi"
                + b"\x80\x7e" + (len(data) - cut).to_bytes(2, "big") + data[cut:])
