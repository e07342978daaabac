# SPDX-License-Identifier: Apache-2.0
# Linked brokers that are killed, stopped and cut off: links heal by themselves, and QoS 1 survives what it promises.
import concurrent.futures
import os
import signal
import threading
import time

from Support import mqtt
from Support.links import cross, drained, listener, mesh, pair, say
from Support.suite import behaviour, check
from Support.wait import TestFailure, equal, until

HEALING = 10


def heals(source, target, topic="heal"):
    """A message crosses within ten seconds."""
    ears = listener(target, f"{topic}/{time.monotonic_ns()}")
    started = time.monotonic()
    cross(source, target)
    elapsed = time.monotonic() - started
    ears.close()
    check(elapsed < HEALING, f"the link took {elapsed:.1f} s to heal")


@behaviour()
def killed_broker_comes_back(case):
    """After kill -9 and restart of either broker messages cross in both directions within ten seconds."""
    left, right = pair(case)
    for victim in (right, left):
        victim.restart_after_kill()
        heals(left, right)
        heals(right, left)


@behaviour()
def stopped_broker_comes_back(case):
    """After SIGTERM and restart of a broker messages cross in both directions within ten seconds."""
    left, right = pair(case)
    equal(right.stop(), 0, "exit status")
    right.start()
    heals(left, right)
    heals(right, left)


@behaviour()
def subscriber_made_during_the_outage(case):
    """A subscription made while the other broker is away works when it is back."""
    left, right = pair(case)
    right.kill()
    ears = listener(left, "outage/#")
    right.start()

    def arrives():
        say(right, "outage/x", b"hello")
        return b"hello" in drained(ears)
    until(arrives, "the message arrives", HEALING, 0.1)


@behaviour()
def unsubscribed_during_the_outage(case):
    """A subscription that ended while the other broker was away is not announced to it again."""
    left, right = pair(case)
    ears = listener(left, "gone/#")
    cross(right, left)
    right.kill()
    ears.unsubscribe("gone/#")
    right.start()
    right.wait_online("left")
    left.wait_online("right")
    cross(right, left)
    with right.watch("left") as seen:
        before = int(seen.next_round()["sent"])
        for _ in range(5):
            say(right, "gone/x", b"x")
        equal(int(seen.next_round()["sent"]), before, "messages sent")


@behaviour()
def messages_wait_for_a_peer_that_is_away(case):
    """QoS 1 messages published while the subscriber's broker hangs arrive when it goes on, in their order."""
    left, right = pair(case)
    ears = listener(right, "wait")
    cross(left, right)
    mouth = left.client("mouth")
    os.kill(right.child.pid, signal.SIGSTOP)
    try:
        for number in range(200):
            mouth.publish("wait", b"%d" % number, qos=1)
    finally:
        os.kill(right.child.pid, signal.SIGCONT)
    for number in range(200):
        ears.receive(b"%d" % number)


@behaviour()
def local_clients_are_served_during_the_outage(case):
    """While the peer hangs, local clients are served, and the queue is counted."""
    left, right = pair(case)
    listener(right, "#").close()
    remote = listener(right, "busy/#")
    cross(left, right)
    local, mouth = listener(left, "busy/#"), left.client("mouth")
    os.kill(right.child.pid, signal.SIGSTOP)
    try:
        for number in range(100):
            mouth.publish("busy/x", b"%d" % number, qos=1)
            local.receive(b"%d" % number)
        with left.watch("right") as seen:
            seen.until(queued=lambda n: n > 0)
    finally:
        os.kill(right.child.pid, signal.SIGCONT)
    for number in range(100):
        remote.receive(b"%d" % number)
    with left.watch("right") as seen:
        seen.until(queued=0)


def flows(mouth, topic, is_over):
    """Publishes numbers at QoS 1, ten under way at a time, until the connection breaks or it is over; answers the next."""
    number = 0
    try:
        while not is_over.is_set():
            mouth.send(b"".join(mqtt.publish(5, topic, b"%d" % (number + i), 1, pid=mouth.pid()) for i in range(10)))
            for _ in range(10):
                mouth.take(mqtt.PUBACK)
            number += 10
    except TestFailure:
        pass
    return number


@behaviour()
def kill_in_the_middle_of_a_flow(case):
    """A sender's broker that is killed in the middle of a flow, and again, leaves no duplicate after it is back."""
    left, right = pair(case)
    ears = listener(right, "flow/#")
    cross(left, right)
    seen = {}

    def hear(wanted):
        """Until `wanted` holds of the last message."""
        while True:
            message = ears.take(mqtt.PUBLISH)
            ears.acknowledge(message)
            seen.setdefault(message.topic, []).append(message.payload)
            if wanted(message):
                return

    for round_ in range(2):
        topic, is_over = f"flow/{round_}", threading.Event()
        case.finally_(is_over.set)
        with concurrent.futures.ThreadPoolExecutor(1) as side:
            flow = side.submit(flows, left.client(f"mouth{round_}"), topic, is_over)
            hear(lambda message, topic=topic: len(seen.get(topic, ())) >= 50)
            check(not flow.done(), "the flow is over before the kill")
            left.restart_after_kill()
            check(flow.result() > 0, "the broker acknowledged nothing")
        heals(left, right)
    say(left, "flow/end", b"end")
    hear(lambda message: message.topic == "flow/end")
    for round_ in range(2):
        numbers = [int(payload) for payload in seen[f"flow/{round_}"]]
        equal(numbers, sorted(set(numbers)), f"order and duplicates of flow/{round_}")


@behaviour()
def receiver_is_killed_under_load(case):
    """A flow of QoS 1 to a broker that is killed and restarted goes on, for a subscriber that comes back."""
    left, right = pair(case)
    ears = listener(right, "load/#")
    cross(left, right)
    mouth = left.client("mouth")
    for number in range(300):
        mouth.publish("load/x", b"%d" % number, qos=1)
        if number == 100:
            right.kill()
            ears.close()
        if number == 200:
            right.start()
    ears = listener(right, "load/#")
    cross(left, right)
    mouth.publish("load/x", b"after", qos=1)
    until(lambda: b"after" in drained(ears), "the flow goes on")


@behaviour()
def ten_quick_restarts(case):
    """A broker that restarts ten times in a row is linked again, once, without duplicates."""
    left, right = pair(case)
    ears = listener(left, "again/#")
    for _ in range(10):
        right.restart_after_kill()
    heals(right, left)
    say(right, "again/x", b"one")
    ears.receive("one")
    cross(right, left)
    equal(drained(ears), [], "duplicates")


@behaviour()
def mesh_with_one_broker_away(case):
    """In a mesh of three, two go on while the third is away, and it is back in when it returns."""
    first, second, third = mesh(case, 3)
    ears = listener(second, "mesh/#")
    cross(first, second)
    third.kill()
    for number in range(20):
        say(first, "mesh/x", b"%d" % number)
        ears.receive(b"%d" % number)
    third.start()
    heals(third, second)
    heals(first, third)


@behaviour()
def subscriptions_change_during_reconnects(case):
    """After three kills under changing subscriptions the routes are exactly those that are wanted."""
    left, right = pair(case)
    client = left.client("changing")
    with right.watch("left") as seen:
        base = int(seen.until(routes_in=lambda n: True)["routes_in"])
    wanted = set()
    for round_ in range(3):
        for number in range(30):
            name = f"change/{round_}/{number}"
            client.subscribe(name, qos=1)
            wanted.add(name)
            if number == 10:
                right.kill()
            if number == 20:
                right.start()
            if number % 3 == 0:
                client.unsubscribe(name)
                wanted.discard(name)
    right.received_routes("left", base + len(wanted))
    for name in sorted(wanted)[::7]:
        say(right, name, name.encode())
        client.receive(name.encode())
