# SPDX-License-Identifier: Apache-2.0
"""A well-behaved publisher and its receiver, in a process of their own: what their messages take while others attack.

Messages are due every 2 ms and carry the time at which they were due, so a stall counts for every message that was due
meanwhile.
"""

import multiprocessing
import select
import struct
import time

from Support import mqtt
from Support.client import Client

INTERVAL = 0.002


class Pair:
    """Publishes from `start` until `stop`; then `latencies` are the milliseconds of each message, sorted."""

    def __init__(self, address: tuple[str, int], topic: str, qos: int):
        self.address, self.topic, self.qos = address, topic, qos
        self.latencies: list[float] = []
        context = multiprocessing.get_context("fork")
        self._found, self._ready, self._over = context.Queue(), context.Event(), context.Event()
        self._process = context.Process(target=self._run)

    def start(self) -> None:
        self._process.start()
        if not self._ready.wait(30):
            raise RuntimeError("the well-behaved pair could not begin")

    def stop(self) -> None:
        self._over.set()
        self.latencies = sorted(self._found.get(timeout=120))
        self._process.join()

    def quantile(self, share: float) -> float:
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]

    def _run(self) -> None:
        publisher = Client(self.address, 5, "good-publisher").open()
        receiver = Client(self.address, 5, "good-receiver").open()
        receiver.subscribe(self.topic, qos=self.qos)
        sockets = [publisher.socket, receiver.socket]
        latencies, sent, due, buffer = [], 0, time.perf_counter(), bytearray()
        self._ready.set()
        while not (self._over.is_set() and len(latencies) == sent):
            now = time.perf_counter()
            while due <= now and not self._over.is_set():
                sent += 1
                publisher.send(mqtt.publish(5, self.topic, struct.pack("d", due), self.qos, pid=sent % 65535 + 1 if self.qos else None))
                due += INTERVAL
            readable, _, _ = select.select(sockets, [], [], max(0.0, due - time.perf_counter()))
            if publisher.socket in readable and not publisher.socket.recv(65536):
                break
            if receiver.socket in readable:
                data = receiver.socket.recv(65536)
                if not data:
                    break
                latencies += self._arrived(receiver, buffer, data)
        self._found.put(latencies)

    def _arrived(self, receiver: Client, buffer: bytearray, data: bytes) -> list[float]:
        now, latencies = time.perf_counter(), []
        buffer += data
        while (found := mqtt.decode(buffer, 5)) is not None:
            packet, length = found
            del buffer[:length]
            if packet.type == mqtt.PUBLISH:
                latencies.append((now - struct.unpack("d", packet.payload)[0]) * 1000)
                if packet.qos:
                    receiver.send(mqtt.ack(5, mqtt.PUBACK, packet.pid))
        return latencies
