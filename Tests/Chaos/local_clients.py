# SPDX-License-Identifier: Apache-2.0
# One broker under clients that misbehave on purpose: memory stays in bounds and well-behaved clients are served.
import resource
import socket
import struct

from Support import mqtt
from Support.broker import Isthmus
from Support.suite import behaviour, check
from Support.wait import until


def started(case, name="chaos"):
    broker = Isthmus(name).start()
    case.finally_(broker.kill)
    return broker


@behaviour()
def connection_storm(case):
    """Two thousand connections that come, say little and are reset leave the broker as it was."""
    broker = started(case)
    good = broker.client("good")
    before = broker.resident_kib()
    for number in range(2000):
        raw = socket.create_connection(broker.address)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.sendall(mqtt.connect(5, f"storm{number % 50}")[: number % 40])
        raw.close()
    good.ping()
    grown = broker.resident_kib() - before
    check(grown < 32 * 1024, f"{grown} KiB more memory")


@behaviour()
def subscriber_that_never_reads(case):
    """A QoS 0 subscriber that never reads costs a bounded amount of memory, and the others get everything."""
    broker = started(case)
    deaf, ears, mouth = broker.client("deaf"), broker.client("ears"), broker.client("mouth")
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for one in (deaf, ears):
        one.subscribe("flood")
    ears.ping()
    before = broker.resident_kib()
    payload = b"f" * 60_000
    for _ in range(3000):
        mouth.publish("flood", payload)
        ears.receive(payload)
    grown = broker.resident_kib() - before
    check(grown < 96 * 1024, f"{grown} KiB more memory after 180 MB to a subscriber that does not read")


@behaviour()
def absent_sessions_are_bounded(case):
    """What waits for an absent client is bounded, and the newest publisher is served all the same."""
    broker = started(case)
    client = broker.client("sleeper", clean=False, props={"session_expiry": 3600})
    client.subscribe("queue", qos=1)
    client.disconnect()
    mouth = broker.client("mouth")
    for number in range(3000):
        mouth.publish("queue", b"%d" % number + b"q" * 1000, qos=1, accepted=False)
    again = broker.client("sleeper", clean=False, props={"session_expiry": 3600})
    first = again.take(mqtt.PUBLISH)
    check(first.payload[:1].isdigit(), f"{first!r}")


@behaviour()
def file_descriptors_run_out(case):
    """A broker at its limit of open files refuses newcomers, keeps its clients, and recovers."""
    broker = started(case)
    resource.prlimit(broker.child.pid, resource.RLIMIT_NOFILE, (96, 96))
    good = broker.client("good")
    crowd = []
    for _ in range(150):
        try:
            crowd.append(socket.create_connection(broker.address, timeout=2))
        except OSError:
            break
    good.ping()
    for one in crowd:
        one.close()

    def served():
        try:
            broker.client("newcomer").ping()
            return True
        except (AssertionError, OSError):
            return False
    until(served, "newcomers are served again", 20, 0.2)
    good.ping()
