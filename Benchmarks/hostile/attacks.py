# SPDX-License-Identifier: Apache-2.0
"""What hostile clients do: each attack is a function of a running broker, and its first line says what it is."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from Support import mqtt
from Support.broker import Isthmus
from Support.client import Client
from Support.wait import TestFailure


@dataclass(frozen=True)
class Attack:
    name: str
    about: str
    run: Callable[[Isthmus], None]
    # What the well-behaved pair publishes to, and how.
    topic: str = "good"
    qos: int = 0
    extra: str = ""  # configuration


ATTACKS: list[Attack] = []


def attack(**fields):
    def register(run: Callable[[Isthmus], None]):
        ATTACKS.append(Attack(run.__name__.replace("_", "-"), run.__doc__.rstrip("."), run, **fields))
        return run
    return register


def branching(levels: int, tail: str = "zz") -> list[str]:
    """All filters with `+` or `a` at each level, and `tail` behind them."""
    return ["".join("a/" if bits >> level & 1 else "+/" for level in range(levels)) + tail for bits in range(1 << levels)]


def subscribe(client: Client, filters: list[str], at_once: int = 2048) -> None:
    for start in range(0, len(filters), at_once):
        client.subscribe(*filters[start:start + at_once], granted=False)


def flood(broker: Isthmus, name: str, packets: bytes) -> None:
    """Sends all of it, until the broker has taken it or has had enough."""
    client = broker.client(name)
    client.send(packets)
    with contextlib.suppress(TestFailure):
        client.ping()


def at_once(*actions: Callable[[], None]) -> None:
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@attack(extra="mqtt.max_subscriptions = infinity")
def shared_groups(broker):
    """40,000 shared groups behind one filter, in one SUBSCRIBE."""
    subscribe(broker.client("hoarder"), [f"$share/g{number}/t" for number in range(40_000)], 40_000)


@attack()
def shared_groups_publish(broker):
    """40 KB to 40,000 shared groups on both loops, 20 times."""
    for member in range(4):
        subscribe(broker.client(f"member{member}"), [f"$share/g{member}-{number}/t" for number in range(10_000)], 2500)
    flood(broker, "mouth", mqtt.publish(5, "t", b"x" * 40_000) * 20)


@attack()
def retained_reads(broker):
    """60 SUBSCRIBEs of 166,000 times a filter that looks at 20,000 retained messages."""
    flood(broker, "mouth", b"".join(mqtt.publish(5, f"t/{number}/x", b"x", retain=True) for number in range(20_000)))
    flood(broker, "greedy", mqtt.subscribe(5, 1, [("+/a", 0)] * 166_000) * 60)


@attack()
def wildcards_17(broker):
    """131,072 filters {+,a}^17 of 14 clients, and 500 messages that meet them."""
    filters = branching(17)
    holders = []
    for start in range(0, len(filters), 10_000):
        holders.append(broker.client(f"hoarder{start}"))
        subscribe(holders[-1], filters[start:start + 10_000])
    flood(broker, "mouth", b"".join(mqtt.publish(5, "a/" * 17 + f"z{number % 2}") for number in range(500)))


@attack()
def wildcards_13(broker):
    """8,192 filters {+,a}^13, and 20 publishers of 500 messages that meet them."""
    hoarder = broker.client("hoarder")
    subscribe(hoarder, branching(13))
    packets = b"".join(mqtt.publish(5, "a/" * 13 + f"z{number % 2}") for number in range(500))
    at_once(*[lambda name=f"mouth{number}": flood(broker, name, packets) for number in range(20)])


@attack()
def identifiers(broker):
    """500 matching filters with identifiers of each of 64 receivers, 200 messages."""
    receivers = []
    for number in range(64):
        receivers.append(broker.client(f"receiver{number}"))
        for index, filter in enumerate(branching(9, "")[:500]):
            receivers[-1].send(mqtt.subscribe(5, index + 1, [(filter.rstrip("/"), 0)], {"subscription_id": index + 1}))
        receivers[-1].ping()
    flood(broker, "mouth", mqtt.publish(5, "a/" * 8 + "a", b"x") * 200)


@attack(extra="mqtt.max_subscriptions = infinity")
def a_large_session_ends(broker):
    """A client with 800,000 filters goes away."""
    hoarder = broker.client("hoarder")
    subscribe(hoarder, [f"x/{number}" for number in range(800_000)], 20_000)
    hoarder.close()
    time.sleep(1)


@attack(extra="retainer.max_waiting_reads = 10000")
def dollar_topics(broker):
    """500,000 retained messages on `$` topics, and 2,000 filters that skip them."""
    flood(broker, "mouth", b"".join(mqtt.publish(5, f"$x{number}", b"x", retain=True) for number in range(500_000)))
    flood(broker, "greedy", b"".join(mqtt.subscribe(5, number + 1, [(f"+/a{number}", 0)]) for number in range(2_000)))


@attack()
def large_subscribes(broker):
    """15 SUBSCRIBEs of 100,000 filters, of three clients."""
    def ask(name):
        return lambda: flood(broker, name, mqtt.subscribe(5, 1, [(f"{name[-1]}{number:05x}", 0) for number in range(100_000)]) * 5)
    at_once(*[ask(f"greedy{number}") for number in range(3)])


@attack(topic="good", qos=1)
def slow_acknowledger(broker):
    """A subscriber to the pair's topic that acknowledges one message every 0.8 s."""
    slow = broker.client("slow")
    slow.subscribe("good", qos=1)
    for _ in range(15):
        slow.acknowledge(slow.take(mqtt.PUBLISH))
        time.sleep(0.8)


@attack()
def no_readers(broker):
    """300 receivers that do not read, and a publisher of 200 MB to them."""
    receivers = [broker.client(f"deaf{number}") for number in range(300)]
    for one in receivers:
        one.subscribe("loud")
    flood(broker, "mouth", mqtt.publish(5, "loud", b"x" * 10_000) * 20_000)


@attack()
def offline_queues(broker):
    """20 sessions that are away, and 2,000 messages of 100 KB for each, from four publishers."""
    for number in range(20):
        away = Client(broker.address, 5, f"away{number}").open(clean=False, props={"session_expiry": 3600})
        away.subscribe(f"away/{number}", qos=1)
        away.close()
    def fill(first):
        return lambda: flood(broker, f"mouth{first}", b"".join(
            mqtt.publish(5, f"away/{number}", b"x" * 100_000, 1, pid=index + 1)
            for number in range(first, 20, 4) for index in range(400)))
    at_once(*[fill(first) for first in range(4)])


@attack()
def delayed_messages(broker):
    """Messages of 100 KB for tomorrow, 1.5 GB of them."""
    flood(broker, "mouth", mqtt.publish(5, "$delayed/86400/t", b"x" * 100_000) * 15_000)


@attack()
def retained_messages(broker):
    """Retained messages of 100 KB on 15,000 topics."""
    for start in range(0, 15_000, 1_000):
        flood(broker, f"mouth{start}", b"".join(
            mqtt.publish(5, f"r/{number}", b"x" * 100_000, retain=True) for number in range(start, start + 1_000)))


@attack()
def malformed(broker):
    """A QoS 1 load, and 2,000 connections whose second packet is malformed."""
    at_once(lambda: flood(broker, "mouth", b"".join(
                mqtt.publish(5, "load", b"x" * 64, 1, pid=number % 60_000 + 1) for number in range(60_000))),
            lambda: broken_connections(broker, 2_000))


def broken_connections(broker: Isthmus, count: int) -> None:
    for number in range(count):
        client = broker.client(f"broken{number % 50}")
        client.send(b"\x32\x03\x00\x01")
        client.send(bytes([0xF0 | number % 16, 0x00]) * 10)
        client.close()
