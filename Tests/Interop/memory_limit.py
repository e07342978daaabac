# SPDX-License-Identifier: Apache-2.0
# A broker that may have little memory, and clients that want much: it refuses, gives up the largest takers, and goes on.
import resource

from Support import mqtt
from Support.broker import Isthmus, config
from Support.client import Client
from Support.suite import behaviour, check
from Support.wait import equal, until

MB = 1 << 20


def started(case, limit, extra="", address_space=None):
    broker = Isthmus("memory", lambda port: config(port, extra=(
        f'node.max_memory = {limit}\nnode.event_loops = 2\n' + extra)))
    case.finally_(broker.kill)
    if address_space is None:
        return broker.start()
    own = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space, own[1]))
    try:
        return broker.start()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, own)


def memory(broker):
    return broker.resident_kib() << 10


def steps(broker):
    return [line for line in broker.log.splitlines() if " memory: " in line]


def absent(broker, count):
    """Sessions whose clients are away, each behind a topic of its own."""
    for i in range(count):
        with_session = Client(broker.address, 5, f"away{i}").open(props={"session_expiry": 1000})
        with_session.subscribe(f"q/{i}", qos=1)
        with_session.close()


def fill(broker, megabytes, sessions):
    """Publishes so much to them, in messages of 7 KB, beside a pair that goes on. Answers the most that was resident."""
    publisher = Client(broker.address, 5, "filler").open()
    reader = Client(broker.address, 5, "reader").open()
    reader.subscribe("pair")
    payload, largest = b"x" * 7000, 0
    for i in range(megabytes * MB // len(payload)):
        publisher.publish(f"q/{i % sessions}", payload, qos=1)
        if i % 20 == 0:
            publisher.publish("pair", b"p")
            equal(reader.receive().payload, b"p", "the pair's message")
            largest = max(largest, memory(broker))
    return largest


def survives(case, broker, limit):
    absent(broker, 30)
    largest = fill(broker, 250, 30)
    check(largest < limit, f"{largest >> 20} MB were resident of {limit >> 20}")
    check("are given up" in broker.log and "are dropped, as memory is short" in broker.log, broker.log[-2000:])
    # It goes on: who has a session gets it, with what came last.
    back = Client(broker.address, 5, "away0").open(clean=False)
    back.ping()
    back.close()
    # What is left of the queues may be between the steps; without them the pressure is over.
    for i in range(1, 30):
        Client(broker.address, 5, f"away{i}").open(clean=True).close()
    until(lambda: steps(broker)[-1].endswith("everything is taken again"), "the pressure is over")
    Client(broker.address, 5, "new").open().ping()


@behaviour()
def queues_are_given_up_at_the_limit(case):
    """Queues of absent clients that would take more than node.max_memory are given up, the largest first."""
    survives(case, started(case, "120MB", "mqtt.max_mqueue_len = 0\n"), 120 * MB)


@behaviour()
def an_address_space_that_is_limited(case):
    """With ulimit -v the broker gives up memory before an allocation could fail."""
    broker = started(case, "infinity", "mqtt.max_mqueue_len = 0\n", address_space=450 * MB)
    survives(case, broker, 450 * MB)


@behaviour()
def clients_that_do_not_read_are_closed(case):
    """Clients that do not read are closed when memory is short, and new clients are refused with 0x97 meanwhile."""
    broker = started(case, "100MB", 'mqtt.max_output_bytes = 0\nlisteners.tcp.default.tcp_options.sndbuf = 4096\n')
    deaf = []
    for i in range(150):
        client = Client(broker.address, 5, f"deaf{i}").open()
        client.subscribe("flood")
        deaf.append(client)
    publisher = Client(broker.address, 5, "flooder").open()
    payload = b"x" * 7000
    for _ in range(3000):
        publisher.publish("flood", payload, qos=1)
        if "closed, as memory is short" in broker.log:
            break
    check("closed, as memory is short" in broker.log, broker.log[-2000:])
    check(memory(broker) < 150 * MB, f"{memory(broker) >> 20} MB are resident")
    publisher.ping()


@behaviour()
def freed_memory_is_given_back(case):
    """Rounds of setting, reading and clearing retained messages leave no memory behind."""
    broker = started(case, "infinity")
    publisher = Client(broker.address, 5, "setter").open()
    sizes = []
    for _ in range(30):
        for payload in (b"x" * 500, b""):
            publisher.send(b"".join(mqtt.publish(5, f"r/{i}", payload, 0, retain=True) for i in range(5000)))
            publisher.ping()
            if payload:
                reader = Client(broker.address, 5, "getter").open()
                reader.subscribe("r/#")
                for _ in range(5000):
                    reader.receive()
                reader.close()
        sizes.append(memory(broker))
    until(lambda: memory(broker) < 45 * MB, f"memory goes down; it was {[s >> 20 for s in sizes]}", patience=30)
