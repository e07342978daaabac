# SPDX-License-Identifier: Apache-2.0
# Clients that make the broker work or keep as much as they can: what it does and holds for them stays in bounds, and
# others are served in between. What is bounded is counted, not timed.
import socket

from Support import mqtt
from Support.broker import Isthmus, config
from Support.suite import behaviour, check
from Support.wait import until


def started(case, extra="", loops=1):
    broker = Isthmus("costly", lambda port: config(port, extra=f"node.event_loops = {loops}\n{extra}")).start()
    case.finally_(broker.kill)
    return broker


def branching(levels):
    """All filters with `+` or `a` at each level, and `zz` behind them."""
    return ["".join("a/" if bits >> level & 1 else "+/" for level in range(levels)) + "zz" for bits in range(1 << levels)]


def limit_is_met(broker, name, times):
    """$SYS counts that the limit was met so many times."""
    watcher = broker.client(f"watch-{name}")
    watcher.subscribe(f"$SYS/brokers/test/metrics/limits/{name}")
    until(lambda: int(watcher.take(mqtt.PUBLISH).payload) >= times, f"limits/{name} is counted {times} times")


@behaviour()
def many_shared_groups(case):
    """Ten thousand shared groups behind one filter, of members on both loops that do not read: a message travels once."""
    broker = started(case, loops=2)
    members = [broker.client(f"member{number}") for number in range(4)]
    for number, one in enumerate(members):
        one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for part in range(5):
            one.subscribe(*[f"$share/g{number}-{part}-{i}/t" for i in range(500)])
    mouth = broker.client("mouth")
    before = broker.resident_kib()
    for _ in range(10):
        mouth.send(mqtt.publish(5, "t", b"x" * 40_000))
    mouth.ping()
    broker.client("other").ping()
    grown = broker.resident_kib() - before
    check(grown < 256 * 1024, f"{grown} KiB more memory after 10 messages of 40 KB")


@behaviour()
def many_waiting_retained_reads(case):
    """A filter that is subscribed to ten thousand times over waits once, and a client with many filters is not read."""
    broker = started(case, extra="retainer.max_waiting_reads = 100\n")
    mouth = broker.client("mouth")
    for number in range(300):
        mouth.send(mqtt.publish(5, f"t/{number}/x", b"x", retain=True))
    mouth.ping()
    before = broker.resident_kib()
    greedy = broker.client("greedy")
    for _ in range(20):
        greedy.send(mqtt.subscribe(5, 1, [("+/+/a", 0)] * 10_000))
    for number in range(200):
        greedy.send(mqtt.subscribe(5, 2, [(f"+/+/{number}", 0)]))
    greedy.send(mqtt.pingreq())
    mouth.ping()
    greedy.take(mqtt.PINGRESP)
    grown = broker.resident_kib() - before
    check(grown < 64 * 1024, f"{grown} KiB more memory after 200,000 subscriptions to one filter")
    limit_is_met(broker, "max_waiting_reads", 1)


@behaviour()
def wildcards_that_branch(case):
    """Messages that a thousand filters are looked at for cost their publisher its turns, and the log says whose they are."""
    broker = started(case, extra="mqtt.turn_budget = 1MB\nmqtt.costly_match = 1000\n")
    hoarder = broker.client("hoarder")
    filters = branching(11)
    for part in range(0, len(filters), 512):
        hoarder.subscribe(*filters[part:part + 512])
    mouth, good = broker.client("mouth"), broker.client("good")
    good.subscribe("good")
    mouth.send(b"".join(mqtt.publish(5, "a/" * 11 + f"z{number % 2}", b"x") for number in range(200)))
    for number in range(20):
        good.publish("good", b"%d" % number)
        good.receive(b"%d" % number)
    mouth.ping()
    limit_is_met(broker, "costly_match", 200)
    limit_is_met(broker, "turn_budget", 20)
    until(lambda: "are of client hoarder, such as " in broker.log, "the log says whose filters they are")


@behaviour()
def subscriptions_are_bounded(case):
    """A client has ten thousand subscriptions unless the config says otherwise; what is more is refused and counted."""
    broker = started(case)
    greedy = broker.client("greedy")
    suback = greedy.subscribe(*[f"t/{number}" for number in range(10_100)], granted=False)
    check(suback.reasons == [0] * 10_000 + [0x97] * 100, f"{suback.reasons.count(0)} were granted")
    limit_is_met(broker, "max_subscriptions", 100)
    check("mqtt.max_subscriptions" in broker.log, "the log does not say so")


@behaviour()
def a_session_with_very_many_subscriptions_ends(case):
    """Its end takes many turns; its client may come back at once, and in the end nothing is left of it."""
    broker = started(case, extra="mqtt.max_subscriptions = infinity\n")
    hoarder = broker.client("hoarder")
    for part in range(0, 100_000, 10_000):
        hoarder.subscribe(*[f"t/{number}" for number in range(part, part + 10_000)])
    hoarder.close()
    again = broker.client("hoarder")
    again.subscribe("t/7")
    again.publish("t/7", b"mine")
    again.receive(b"mine")
    watcher = broker.client("watcher")
    watcher.subscribe("$SYS/brokers/test/stats/topics/count")
    until(lambda: int(watcher.take(mqtt.PUBLISH).payload) == 2, "only the new filters are left")
