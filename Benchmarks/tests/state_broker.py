# SPDX-License-Identifier: Apache-2.0
"""A fake broker that remembers: filters, retained messages, sessions with queues. MQTT 5 for the load generator only.

`copies(kind, n)` says how many copies of the n-th packet of a kind are sent: "suback", or a message that is "live",
"retained" or "queued".
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from .fake_broker import FakeBroker, send


@dataclass
class Session:
    client: socket.socket | None
    persistent: bool
    filters: dict[str, int] = field(default_factory=dict)
    queue: list[tuple[str, bytes]] = field(default_factory=list)


class StateBroker(FakeBroker):
    def __init__(self, copies: Callable[[str, int], int] = lambda kind, number: 1, connack: bytes = b"\x20\x03\x00\x00\x00"):
        super().__init__(connack=connack)
        self.copies = copies
        self.sessions: dict[str, Session] = {}
        self.retained: dict[str, bytes] = {}
        self.counts = {"suback": 0, "live": 0, "retained": 0, "queued": 0}
        self.left: list[str] = []  # client identifiers that said DISCONNECT

    def _handle(self, client: socket.socket, packet: bytes) -> None:
        body = packet[2:] if packet[1] < 0x80 else packet[3:] if packet[2] < 0x80 else packet[4:]
        handlers = {1: self.connect, 3: self.publish, 8: self.subscribe, 14: self.disconnect}
        handler = handlers.get(packet[0] >> 4)
        if handler is not None:
            handler(client, packet[0], body)

    def connect(self, client: socket.socket, first: int, body: bytes) -> None:
        clean, persistent = body[7] & 2, body[10] > 0
        name = body[13 + body[10]:].decode()
        known = not clean and name in self.sessions
        if not known:
            self.sessions[name] = Session(None, persistent)
        session = self.sessions[name]
        session.client = client
        send(client, self.connack[:2] + bytes([known]) + self.connack[3:])
        queue, session.queue = self.ordered(session.queue), []
        for topic, payload in queue:
            self.deliver("queued", client, topic, payload, 1, False)

    def ordered(self, queue: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        return queue

    def subscribe(self, client: socket.socket, first: int, body: bytes) -> None:
        session, rest, codes, added = self.of(client), body[3:], b"", []
        while rest:
            end = 2 + int.from_bytes(rest[:2], "big")
            added.append(rest[2:end].decode())
            session.filters[added[-1]] = rest[end]
            codes += rest[end:end + 1]
            rest = rest[end + 1:]
        self.suback(client, body[:2] + b"\0" + codes)
        for topic, payload in self.retained.items():
            if any(matches(topic_filter, topic) for topic_filter in added):
                self.deliver("retained", client, topic, payload, max(codes), True)

    def suback(self, client: socket.socket, body: bytes) -> None:
        length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
        self.counts["suback"] += 1
        for _ in range(self.copies("suback", self.counts["suback"] - 1)):
            send(client, b"\x90" + length + body)

    def publish(self, client: socket.socket, first: int, body: bytes) -> None:
        end, qos = 2 + int.from_bytes(body[:2], "big"), first >> 1 & 3
        topic, payload = body[2:end].decode(), body[end + (3 if qos else 1):]
        if first & 1:
            self.retained[topic] = payload
        for session in list(self.sessions.values()):
            granted = max((session.filters[each] for each in session.filters if matches(each, topic)), default=-1)
            if granted < 0:
                continue
            if session.client is not None:
                self.deliver("live", session.client, topic, payload, min(qos, granted), False)
            elif session.persistent:
                session.queue.append((topic, payload))
        if qos:
            send(client, b"\x40\x02" + body[end:end + 2])

    def deliver(self, kind: str, client: socket.socket, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        number, self.counts[kind] = self.counts[kind], self.counts[kind] + 1
        body = len(topic).to_bytes(2, "big") + topic.encode() + (b"\0\1" if qos else b"") + b"\0" + payload
        length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
        for _ in range(self.copies(kind, number)):
            send(client, bytes([0x30 | qos << 1 | retain]) + length + body)

    def disconnect(self, client: socket.socket, first: int, body: bytes) -> None:
        self.left += [name for name, session in self.sessions.items() if session.client is client]
        self.gone(client)
        self.selector.unregister(client)
        client.close()

    def gone(self, client: socket.socket) -> None:
        for name, session in list(self.sessions.items()):
            if session.client is client:
                session.client = None
                if not session.persistent:
                    del self.sessions[name]

    def of(self, client: socket.socket) -> Session:
        return next(session for session in self.sessions.values() if session.client is client)


def matches(topic_filter: str, topic: str) -> bool:
    levels, names = topic_filter.split("/"), topic.split("/")
    for i, level in enumerate(levels):
        if level == "#":
            return True
        if i >= len(names) or level not in ("+", names[i]):
            return False
    return len(levels) == len(names)
