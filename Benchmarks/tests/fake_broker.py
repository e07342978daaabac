# SPDX-License-Identifier: Apache-2.0
"""A broker small enough to be wrong on purpose: QoS 0 and 1 for the load generator's tests, no other client.

`tamper(n, packet)` decides what becomes of the n-th PUBLISH: the list it returns is sent to every subscriber.
"""

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Callable


def deliver(number: int, packet: bytes) -> list[bytes]:
    return [packet]


class FakeBroker:
    def __init__(self, tamper: Callable[[int, bytes], list[bytes]] = deliver, connack: bytes = b"\x20\x03\x00\x00\x00",
                 tls: ssl.SSLContext | None = None):
        self.tamper, self.connack, self.tls = tamper, connack, tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        self.pending: dict[socket.socket, bytes] = {}
        self.subscribers: list[socket.socket] = []
        self.publishes = 0
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
        data = self.pending[client] + data
        while (length := packet_length(data)) <= len(data):
            packet, data = data[:length], data[length:]
            self._handle(client, packet)
        self.pending[client] = data

    def gone(self, client: socket.socket) -> None:
        if client in self.subscribers:
            self.subscribers.remove(client)

    def _handle(self, client: socket.socket, packet: bytes) -> None:
        kind = packet[0] >> 4
        if kind == 1:
            send(client, self.connack)
        elif kind == 8:
            self.subscribers.append(client)
            send(client, bytes([0x90, 4, packet[2], packet[3], 0, packet[-1]]))
        elif kind == 3:
            self._publish(client, packet)

    def _publish(self, client: socket.socket, packet: bytes) -> None:
        number, self.publishes = self.publishes, self.publishes + 1
        for copy in self.tamper(number, packet):
            for subscriber in self.subscribers:
                send(subscriber, copy)
        if packet[0] & 0x06:
            identifier = 4 + packet[3]
            send(client, bytes([0x40, 2]) + packet[identifier:identifier + 2])


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
