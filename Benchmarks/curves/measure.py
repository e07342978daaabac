# SPDX-License-Identifier: Apache-2.0
"""What grows in each curve, and what is measured at each of its points."""

import contextlib
import pathlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import run as bench
from driver import brokers

from curves.client import Client, Exchange, cpu_nanoseconds, publish, resident_bytes

PORTION_BYTES = 64 << 10
PORTION = 1400           # messages of some 45 bytes
PORTIONS = 16            # a round
RECEIVERS = 10
FAN_OUT_SECONDS = 120    # until the load generator is given up
MARKER = publish(b"marker")  # the last message of a portion, which always arrives
CONNECTIONS = (10, 100, 1_000, 3_000, 10_000, 15_000)
DECADES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
Points = dict[int, list[float]]


@dataclass(frozen=True)
class Run:
    """What a measurement needs besides the broker."""

    rounds: int
    most: int                    # points beyond it are left out
    most_connections: int        # as many as this process may have
    most_connections: int        # as many as this process may have
    load: pathlib.Path
    cores: tuple[int, int] | None  # the broker's and the load's

    @property
    def broker_cores(self) -> frozenset[int] | None:
        return frozenset(self.cores[:1]) if self.cores else None


@dataclass(frozen=True)
class Series:
    label: str
    measure: Callable[[brokers.Broker, Run], Points]
    has_reference: bool = False  # it is measured with the reference, too


@dataclass(frozen=True)
class Curve:
    name: str
    title: str
    axis: str                    # what grows
    unit: str                    # what is measured
    series: tuple[Series, ...]
    base: int = 10               # of the axis


class Publishing:
    """A publisher and its receivers, and the rounds of one point."""

    def __init__(self, endpoint: brokers.Endpoint, run: Run, receivers: int = 1):
        self.endpoint, self.run = endpoint, run
        self.receivers = [Client(endpoint.port, f"receiver-{i}") for i in range(receivers)]
        self.publisher = Client(endpoint.port, "publisher")
        self.receivers[0].subscribe([b"marker"])

    def rounds(self, portions: list[list[bytes]], delivered: bool = True) -> list[float]:
        """Nanoseconds of the broker's CPU time a message, by round. The first portions are not counted."""
        ready = [b"".join(portion) + MARKER for portion in portions]
        send = [(data, len(data) if delivered else len(MARKER)) for data in ready]
        exchange = Exchange(self.publisher, self.receivers)
        figures = []
        try:
            for data, arriving in send[:PORTIONS]:
                exchange.send(data, arriving)
            for start in range(PORTIONS, len(send), PORTIONS):
                before = cpu_nanoseconds(self.endpoint.pid)
                for data, arriving in send[start:start + PORTIONS]:
                    exchange.send(data, arriving)
                messages = sum(len(portion) + 1 for portion in portions[start:start + PORTIONS])
                figures.append((cpu_nanoseconds(self.endpoint.pid) - before) / messages)
        finally:
            exchange.close()
        return figures

    def close(self) -> None:
        for client in (*self.receivers, self.publisher):
            client.close()


@contextlib.contextmanager
def publishing(broker: brokers.Broker, run: Run, receivers: int = 1) -> Iterator[Publishing]:
    with broker.running(run.broker_cores) as endpoint:
        found = Publishing(endpoint, run, receivers)
        try:
            yield found
        finally:
            found.close()


def up_to(points: tuple[int, ...], most: int) -> list[int]:
    return [point for point in points if point <= most]


def steady(topic: bytes, run: Run) -> list[list[bytes]]:
    message = publish(topic)
    return [[message] * (PORTION_BYTES // len(message))] * all_portions(run)


def all_portions(run: Run) -> int:
    """Of a point: no round repeats what an earlier one has brought into the cache."""
    return PORTIONS * (run.rounds + 1)


# Connections


def connections(broker: brokers.Broker, run: Run) -> Points:
    """One pair talks, all others have a subscription and are silent."""
    points: Points = {}
    with publishing(broker, run) as talk:
        talk.receivers[0].subscribe([b"site/1/state"])
        others: list[Client] = []
        try:
            for point in up_to(CONNECTIONS, min(run.most, run.most_connections)):
                while len(others) < point - 2:
                    others.append(Client(talk.endpoint.port, f"silent-{len(others)}"))
                    others[-1].subscribe([f"silent/{len(others)}".encode()])
                points[point] = talk.rounds(steady(b"site/1/state", run))
        finally:
            for client in others:
                client.close()
    return points


# Subscriptions


def site(number: int) -> int:
    """Neighbours in number are none in name."""
    return number * 7919 % 10_000_000


def subscriptions(pattern: str, hot: bool) -> Callable[[brokers.Broker, Run], Points]:
    """Filters made from the pattern, shared by the receivers; messages to one of them, or to any at random."""
    def measure(broker: brokers.Broker, run: Run) -> Points:
        points: Points = {}
        chance = random.Random(1)
        with publishing(broker, run, RECEIVERS) as talk:
            made = 0
            for point in up_to(DECADES, run.most):
                grow(talk, pattern, made, point)
                made = point
                numbers = [0 if hot else chance.randrange(point) for _ in range(PORTION * all_portions(run))]
                messages = [publish(b"site/%07d/sensor/state" % site(number)) for number in numbers]
                portions = [messages[i:i + PORTION] for i in range(0, len(messages), PORTION)]
                points[point] = talk.rounds(portions)
        return points
    return measure


def grow(talk: Publishing, pattern: str, made: int, point: int) -> None:
    for i, receiver in enumerate(talk.receivers):
        receiver.subscribe([(pattern % site(number)).encode() for number in range(made, point)
                            if number % len(talk.receivers) == i])


def memory(pattern: str) -> Callable[[brokers.Broker, Run], Points]:
    """Resident bytes a subscription, with as many clients as a thousand filters each need."""
    def measure(broker: brokers.Broker, run: Run) -> Points:
        points: Points = {}
        for point in up_to((10_000, 30_000, 100_000, 300_000, 1_000_000), run.most):
            points[point] = []
            for _ in range(min(run.rounds, 3)):
                with broker.running(run.broker_cores) as endpoint:
                    clients = [Client(endpoint.port, f"client-{i}") for i in range(point // 1000)]
                    before = resident_bytes(endpoint.pid)
                    for i, client in enumerate(clients):
                        client.subscribe([(pattern % site(i * 1000 + j)).encode() for j in range(1000)])
                    points[point].append((resident_bytes(endpoint.pid) - before) / point)
                    for client in clients:
                        client.close()
        return points
    return measure


# Depth of topics


def depth(last: bytes | None) -> Callable[[brokers.Broker, Run], Points]:
    """Topics of 256 bytes whatever their depth. The filter is the topic, or ends in `last` instead of its last level."""
    def measure(broker: brokers.Broker, run: Run) -> Points:
        points: Points = {}
        with publishing(broker, run) as talk:
            for point in (1, 2, 4, 8, 16, 32, 64, 128):
                width = 256 // point - 1
                levels = [b"l" * width] * point
                # Deep topics are told apart by their first level.
                levels[0] = b"%03d" % point if point == 128 else (b"%03d" % point).ljust(width, b"d")
                topic = b"/".join(levels)
                talk.receivers[0].subscribe([topic if last is None else b"/".join([*levels[:-1], last])])
                points[point] = talk.rounds(steady(topic, run))
        return points
    return measure


# Fan-out


def fan_out(broker: brokers.Broker, run: Run) -> Points:
    """By the load generator, which reads from ten thousand connections."""
    points: Points = {}
    for point in up_to(DECADES[:5], min(run.most, run.most_connections)):
        points[point] = []
        for _ in range(run.rounds):
            with broker.running(run.broker_cores) as endpoint:
                command = [str(run.load), "throughput", "--subscribers", str(point), "--window", "64", "--port",
                           str(endpoint.port), "--broker-pid", str(endpoint.pid), "--seconds", "1.5"]
                if run.cores:
                    command += ["--core", str(run.cores[1])]
                points[point].append(bench.run_load(command, FAN_OUT_SECONDS)["broker_ns"])
    return points


# Retained messages


def retained(measures_sets: bool) -> Callable[[brokers.Broker, Run], Points]:
    """Messages that are not retained while others are, or replacing one of these at random."""
    def measure(broker: brokers.Broker, run: Run) -> Points:
        points: Points = {}
        chance = random.Random(1)
        with publishing(broker, run) as talk:
            talk.receivers[0].subscribe([b"site/1/state"])
            made = 0
            for point in up_to(DECADES, run.most):
                keep(talk, made, point)
                made = point
                if measures_sets:
                    portions = [[stored(chance.randrange(point)) for _ in range(PORTION)]
                                for _ in range(all_portions(run))]
                    points[point] = talk.rounds(portions, delivered=False)
                else:
                    points[point] = talk.rounds(steady(b"site/1/state", run))
        return points
    return measure


def stored(number: int) -> bytes:
    return publish(b"kept/%07d/state" % site(number), retain=True)


def keep(talk: Publishing, made: int, point: int) -> None:
    exchange = Exchange(talk.publisher, talk.receivers)
    for start in range(made, point, 5000):
        portion = b"".join(stored(number) for number in range(start, min(start + 5000, point)))
        exchange.send(portion + MARKER, len(MARKER))
    exchange.close()


NANOSECONDS = "broker CPU, ns a message"

CURVES = (
    Curve("connections", "A message, by connections", "connections, all but two of them silent", NANOSECONDS,
          (Series("", connections, True),)),
    Curve("subscriptions", "A message, by subscriptions", "subscriptions, filters all different", NANOSECONDS,
          (Series("one topic", subscriptions("site/%07d/sensor/state", hot=True)),
           Series("any topic", subscriptions("site/%07d/sensor/state", hot=False), True),
           Series("any topic, with +", subscriptions("site/%07d/+/state", hot=False)))),
    Curve("memory", "Memory of a subscription", "subscriptions, 1,000 a client", "resident bytes a subscription",
          (Series("exact", memory("site/%07d/sensor/state"), True),
           Series("with +", memory("site/%07d/+/state")))),
    Curve("depth", "A message, by levels of its topic", "levels in a topic of 256 bytes", NANOSECONDS,
          (Series("exact", depth(None), True), Series("ends in +", depth(b"+"))), base=2),
    Curve("fan-out", "A delivery, by subscribers of the topic", "subscribers", "broker CPU, ns a delivery",
          (Series("", fan_out, True),)),
    Curve("retained", "A message, by retained messages", "retained messages", NANOSECONDS,
          (Series("not retained", retained(measures_sets=False), True),
           Series("retained again", retained(measures_sets=True), True))),
)
