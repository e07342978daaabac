# SPDX-License-Identifier: Apache-2.0
"""MQTT packets as bytes, and a client that is no more than a socket: for the tests of the reference broker."""

import socket


def string(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def packet(first_byte: int, body: bytes) -> bytes:
    length, out = len(body), bytearray([first_byte])
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(out) + bytes([length]) + body


def connect(level: int = 5, properties: bytes = b"") -> bytes:
    own = bytes([len(properties)]) + properties if level == 5 else b""
    return packet(0x10, string("MQTT") + bytes([level, 2, 0, 0]) + own + string("tester"))


def subscribe(topic_filter: str, qos: int = 0, level: int = 5, identifier: int = 7) -> bytes:
    return packet(0x82, identifier.to_bytes(2, "big") + (b"\0" if level == 5 else b"") + string(topic_filter)
                  + bytes([qos]))


def unsubscribe(topic_filter: str) -> bytes:
    return packet(0xA2, b"\0\x08\0" + string(topic_filter))


def publish(topic: str, payload: bytes, qos: int = 0, identifier: int = 1, level: int = 5, flags: int = 0,
            properties: bytes = b"") -> bytes:
    own = bytes([len(properties)]) + properties if level == 5 else b""
    return packet(0x30 | qos << 1 | flags,
                  string(topic) + (identifier.to_bytes(2, "big") if qos else b"") + own + payload)


def acknowledgement(first_byte: int, identifier: int) -> bytes:
    return packet(first_byte, identifier.to_bytes(2, "big"))


class Client:
    """A connection to 127.0.0.1. `receive` waits for whole packets."""

    def __init__(self, port: int, level: int = 5, handshake: bytes | None = None):
        self.level = level
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = b""
        if handshake != b"":
            self.send(connect(level) if handshake is None else handshake)
            self.connack = self.receive()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(packets))

    def subscribe(self, topic_filter: str, qos: int = 0) -> int:
        self.send(subscribe(topic_filter, qos, self.level))
        return self.receive()[-1]

    def receive(self) -> bytes:
        """The next packet; empty when the broker has closed the connection."""
        while (length := self._packet_length()) is None:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return b""
            self.input += more
        first, self.input = self.input[:length], self.input[length:]
        return first

    def _packet_length(self) -> int | None:
        value = 0
        for i in range(1, min(len(self.input), 5)):
            value |= (self.input[i] & 0x7F) << 7 * (i - 1)
            if self.input[i] < 0x80:
                return i + 1 + value if len(self.input) >= i + 1 + value else None
        return None
