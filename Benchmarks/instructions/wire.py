# SPDX-License-Identifier: Apache-2.0
"""One connection of a client in lockstep: it sends a batch in one piece and then waits for every byte that is owed.

So a broker sees the same bytes in the same reads, however busy the machine is.
"""

import socket

from Support import mqtt
from Support.wait import PATIENCE, check

VERSION = 5
# What fits into one segment of loopback, and so comes as one read.
LONGEST_BATCH = 32 * 1024


class Wire:
    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self.port = self._socket.getsockname()[1]

    def connect(self, client_id, **credentials):
        self.send(mqtt.connect(VERSION, client_id, keepalive=0, **credentials))
        (answer,) = self.packets(1)
        check(answer.type == mqtt.CONNACK and not answer.reason, f"{client_id} was refused: {answer!r}")

    def send(self, batch):
        check(len(batch) <= LONGEST_BATCH, f"a batch of {len(batch)} bytes may be read in several pieces")
        self._socket.sendall(batch)

    def bytes(self, expected):
        """Waits for exactly these bytes."""
        while len(self._received) < len(expected):
            self._read()
        check(self._received[:len(expected)] == expected, "the broker delivered other bytes than were published")
        del self._received[:len(expected)]

    def packets(self, count):
        found = []
        while len(found) < count:
            decoded = mqtt.decode(self._received, VERSION)
            if decoded is None:
                self._read()
                continue
            packet, size = decoded
            del self._received[:size]
            found.append(packet)
        return found

    def identifiers(self, kind, count):
        """The packet identifiers of `count` packets, all of one kind."""
        packets = self.packets(count)
        for packet in packets:
            check(packet.type == kind, f"expected {mqtt.NAMES[kind]}, got {packet!r}")
        return [packet.pid for packet in packets]

    def subscribe(self, filters, qos=0):
        self.send(mqtt.subscribe(VERSION, 1, [(name, qos) for name in filters]))
        (answer,) = self.packets(1)
        granted = answer.type == mqtt.SUBACK and all(reason <= 2 for reason in answer.reasons)
        check(granted, f"a subscription was refused: {answer!r}")

    def fence(self, batch=b""):
        """Sends what the broker does not answer, and waits until it has been dealt with."""
        self.send(batch + mqtt.pingreq())
        self.bytes(mqtt.packet(mqtt.PINGRESP, 0, b""))

    def leave(self):
        """Says good-bye, and closes when the broker does."""
        self.send(mqtt.disconnect(VERSION))
        while self._socket.recv(4096):
            pass
        self._socket.close()

    def _read(self):
        piece = self._socket.recv(256 * 1024)
        check(piece, "the broker closed the connection")
        self._received += piece
