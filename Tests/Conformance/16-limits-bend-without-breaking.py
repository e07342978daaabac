# SPDX-License-Identifier: Apache-2.0
# Many of everything, and clients that are slow: what a broker must bear without losing QoS 1 or disturbing others.
from Support import mqtt
from Support.suite import both, check
from Support.wait import equal, until


@both()
def hundred_clients_at_once(case):
    """A hundred clients connect, subscribe and hear one publisher."""
    clients = [case.client(f"c{i}") for i in range(100)]
    for one in clients:
        one.subscribe(case.topic())
    case.client("sender").publish(case.topic(), b"all")
    for one in clients:
        one.receive("all")


@both()
def slow_reader_does_not_stop_the_others(case):
    """A subscriber that does not read does not keep messages from one that does."""
    slow, quick, sender = case.client("slow"), case.client("quick"), case.client("sender")
    for one in (slow, quick):
        one.subscribe(case.topic())
    payload = b"z" * 50_000
    for number in range(200):
        sender.publish(case.topic(), str(number).encode() + payload)
        quick.receive(str(number).encode() + payload)


@both()
def many_messages_wait_for_an_absent_client(case):
    """Five hundred QoS 1 messages wait for an absent client in their order."""
    props = {"session_expiry": 300} if case.version == 5 else None
    client = case.client("c", clean=False, props=props)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    sender = case.client("sender")
    for number in range(500):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    client = case.client("c", clean=False, props=props)
    for number in range(500):
        client.receive(str(number), qos=1)


@both()
def burst_of_small_packets(case):
    """Five thousand small messages in one write arrive in their order."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic())
    sender.send(b"".join(mqtt.publish(case.version, case.topic(), b"%d" % i) for i in range(5000)))
    for number in range(5000):
        equal(receiver.take(mqtt.PUBLISH).payload, b"%d" % number, "payload")


@both()
def thousand_subscriptions_of_one_client(case):
    """A client with a thousand subscriptions gets the message of each."""
    client, sender = case.client(), case.client("sender")
    for start in range(0, 1000, 100):
        client.subscribe(*[case.topic(f"s/{i}/+") for i in range(start, start + 100)])
    for number in (0, 499, 999):
        sender.publish(case.topic(f"s/{number}/x"), b"x")
        client.receive("x", topic=case.topic(f"s/{number}/x"))


@both()
def connecting_and_leaving_two_hundred_times(case):
    """Clients that come and go in quick succession leave nothing behind that disturbs."""
    for number in range(200):
        client = case.client("same")
        client.subscribe(case.topic())
        if number % 2:
            client.disconnect() if number % 3 else client.close()
    last, sender = case.client("same"), case.client("sender")
    sender.publish(case.topic(), b"stale")
    case.fence(last, sender)


@both("MQTT-4.9.0-2")
def two_publishers_keep_their_own_order(case):
    """Two publishers to one topic: the messages of each keep their order."""
    receiver = case.client("receiver")
    receiver.subscribe(case.topic(), qos=1)
    senders = [case.client(f"s{i}") for i in range(2)]
    for number in range(50):
        for which, sender in enumerate(senders):
            sender.send(mqtt.publish(case.version, case.topic(), f"{which} {number}", 1, pid=number + 1))
    seen = {"0": [], "1": []}
    for _ in range(100):
        message = receiver.take(mqtt.PUBLISH)
        which, number = message.payload.decode().split()
        seen[which].append(int(number))
        receiver.acknowledge(message)
    for numbers in seen.values():
        equal(numbers, list(range(50)), "the order of one publisher")


@both()
def flood_to_a_reader_that_wakes_up(case):
    """A QoS 1 subscriber that pauses in reading gets everything after the pause, in order."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for number in range(400):
        sender.publish(case.topic(), b"%d " % number + b"p" * 2000, qos=1)
    for number in range(400):
        message = receiver.take(mqtt.PUBLISH)
        equal(message.payload.split()[0], b"%d" % number, "payload")
        receiver.acknowledge(message)


@both()
def sys_topics_say_who_the_broker_is(case):
    """The broker tells about itself below $SYS."""
    client = case.client()
    client.subscribe("$SYS/#")
    until(lambda: client.next("$SYS message").payload, "a $SYS message with a payload")
    check(client.connack.reason == 0, "connected")
