# SPDX-License-Identifier: Apache-2.0
"""As much of an MQTT 3.1.1 client as the curves need: many filters in one packet, and publishing in portions.

A portion is sent at once, and the next one only when all of it has arrived: nothing is lost by overrunning, every
portion costs the broker the same number of reads and writes, and the time the client takes does not matter, as only
the broker's CPU time is counted.
"""

import pathlib
import selectors
import socket
import struct

PATIENCE_SECONDS = 30
FILTERS_A_PACKET = 1000


class ClientError(Exception):
    """What the broker did not do, in one sentence."""


def packet(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length.append(digit | (128 if rest else 0))
        if not rest:
            return bytes([kind]) + bytes(length) + body


def text(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def publish(topic: bytes, payload: bytes = b"0123456789abcdef", retain: bool = False) -> bytes:
    return packet(0x31 if retain else 0x30, text(topic) + payload)


class Client:
    def __init__(self, port: int, name: str):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connect = text(b"MQTT") + bytes([4, 2]) + struct.pack(">H", 0) + text(name.encode())
        self.socket.sendall(packet(0x10, connect))
        if self._read()[1:] != b"\0\0":
            raise ClientError(f"The broker refused the connection of {name}.")

    def subscribe(self, filters: list[bytes]) -> None:
        for start in range(0, len(filters), FILTERS_A_PACKET):
            part = filters[start:start + FILTERS_A_PACKET]
            self.socket.sendall(packet(0x82, b"\0\1" + b"".join(text(one) + b"\0" for one in part)))
            codes = self._read()[3:]
            if codes != bytes(len(part)):
                raise ClientError(f"The broker refused subscriptions, such as {part[0].decode()}.")

    def close(self) -> None:
        self.socket.close()

    def _read(self) -> bytes:
        """The next packet, without its length."""
        kind, length, shift = self._take(1), 0, 0
        while True:
            byte = self._take(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return kind + self._take(length)

    def _take(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ClientError("The broker closed the connection.")
            data += more
        return bytes(data)


class Exchange:
    """One publisher and its receivers. What is published arrives unchanged, so that counting bytes is enough."""

    def __init__(self, publisher: Client, receivers: list[Client]):
        self._publisher = publisher.socket
        self._clients = [publisher, *receivers]
        self._selector = selectors.DefaultSelector()
        for client in self._clients:
            client.socket.setblocking(False)
            self._selector.register(client.socket, selectors.EVENT_READ)

    def send(self, portion: bytes, arriving: int) -> None:
        """Sends the portion, of which `arriving` bytes come back, and waits for them."""
        rest = memoryview(portion)
        self._selector.modify(self._publisher, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while rest or arriving > 0:
            events = self._selector.select(PATIENCE_SECONDS)
            if not events:
                raise ClientError(f"{arriving} bytes of messages did not arrive within {PATIENCE_SECONDS} s.")
            for key, event in events:
                if event & selectors.EVENT_READ:
                    data = key.fileobj.recv(1 << 18)
                    if not data:
                        raise ClientError("The broker closed a connection.")
                    arriving -= len(data)
                if event & selectors.EVENT_WRITE and rest:
                    rest = rest[key.fileobj.send(rest):]
                    if not rest:
                        self._selector.modify(self._publisher, selectors.EVENT_READ)
        if arriving < 0:
            raise ClientError(f"{-arriving} bytes more arrived than were published.")

    def close(self) -> None:
        """Gives the clients back: they may subscribe again."""
        self._selector.close()
        for client in self._clients:
            client.socket.settimeout(PATIENCE_SECONDS)


def cpu_nanoseconds(process: int) -> int:
    """CPU time of all threads of the process."""
    return sum(int(task.read_text().split()[0]) for task in pathlib.Path(f"/proc/{process}/task").glob("*/schedstat"))


def resident_bytes(process: int) -> int:
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ClientError(f"Process {process} has no resident size: it has ended.")
