# SPDX-License-Identifier: Apache-2.0
# QoS 1 in both directions, with the network cut at every step.
from Support import mqtt
from Support.suite import both, check, v5
from Support.wait import equal

EXPIRY = {"session_expiry": 300}


def keeping(case, name="receiver", **options):
    """A client whose session outlives its connection."""
    return case.client(name, clean=False, props=dict(EXPIRY) if case.version == 5 else None, **options)


@both("MQTT-4.3.2-4", "MQTT-3.3.4-1")
def publish_is_acknowledged(case):
    """A PUBLISH at QoS 1 is answered by a PUBACK with its packet identifier."""
    client = case.client()
    for pid in (1, 300, 65535):
        client.send(mqtt.publish(case.version, case.topic(), b"x", 1, pid=pid))
        client.expect(mqtt.PUBACK, pid=pid)


@both("MQTT-4.6.0-2")
def acknowledgements_keep_the_order(case):
    """PUBACKs come in the order of the PUBLISH packets."""
    client = case.client()
    for pid in (5, 3, 9, 1):
        client.send(mqtt.publish(case.version, case.topic(), b"x", 1, pid=pid))
    for pid in (5, 3, 9, 1):
        client.expect(mqtt.PUBACK, pid=pid)


@both("MQTT-4.3.2-5")
def packet_identifier_is_free_after_puback(case):
    """After its PUBACK a packet identifier can be used for a new message."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for text in (b"one", b"two", b"three"):
        sender.publish(case.topic(), text, qos=1, pid=1)
        receiver.receive(text, qos=1)


@both("MQTT-2.2.1-4")
def deliveries_have_different_packet_identifiers(case):
    """Deliveries that are not acknowledged have packet identifiers of their own."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    pids = {receiver.expect(mqtt.PUBLISH, payload=str(i).encode()).pid for i in range(10)}
    equal(len(pids), 10, "different packet identifiers")


@both("MQTT-4.4.0-1")
def unacknowledged_delivery_comes_again(case):
    """A delivery without PUBACK comes again on the next connection, with DUP and the same packet identifier."""
    receiver = keeping(case)
    receiver.subscribe(case.topic(), qos=1)
    case.client("sender").publish(case.topic(), b"again", qos=1)
    first = receiver.expect(mqtt.PUBLISH, payload=b"again", dup=False)
    receiver.close()
    receiver = keeping(case)
    receiver.receive("again", dup=True, pid=first.pid, topic=case.topic())


@both("MQTT-4.4.0-1")
def acknowledged_delivery_does_not_come_again(case):
    """A delivery with PUBACK does not come again."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"once", qos=1)
    receiver.receive("once")
    receiver.ping()
    receiver.close()
    case.fence(keeping(case), sender)


@both("MQTT-4.6.0-1")
def redelivery_keeps_the_order(case):
    """Several deliveries without PUBACK come again in their order."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    texts = [f"m{i}".encode() for i in range(8)]
    for text in texts:
        sender.publish(case.topic(), text, qos=1)
    for text in texts:
        receiver.expect(mqtt.PUBLISH, payload=text)
    receiver.close()
    receiver = keeping(case)
    for text in texts:
        receiver.receive(text, dup=True)


@both("MQTT-4.4.0-1")
def only_the_unacknowledged_come_again(case):
    """Of several deliveries only those without PUBACK come again."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for text in (b"a", b"b", b"c"):
        sender.publish(case.topic(), text, qos=1)
    found = [receiver.expect(mqtt.PUBLISH) for _ in range(3)]
    receiver.send(mqtt.ack(case.version, mqtt.PUBACK, found[1].pid))
    receiver.ping()
    receiver.close()
    receiver = keeping(case)
    receiver.receive("a", dup=True)
    receiver.receive("c", dup=True)
    case.fence(receiver, sender)


@both("MQTT-4.4.0-1")
def no_redelivery_on_a_living_connection(case):
    """On a connection that lives nothing is sent again, however long the PUBACK takes."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"one", qos=1)
    receiver.expect(mqtt.PUBLISH, payload=b"one")
    case.fence(receiver, sender)


@both("MQTT-4.3.2-5")
def resent_publish_is_acknowledged_again(case):
    """A PUBLISH that the sender repeats with DUP is acknowledged again."""
    sender = case.client()
    for dup in (False, True):
        sender.send(mqtt.publish(case.version, case.topic(), b"x", 1, dup=dup, pid=12))
        sender.expect(mqtt.PUBACK, pid=12)


@both()
def unknown_puback_does_no_harm(case):
    """A PUBACK for a packet identifier that is not in use changes nothing."""
    client = case.client()
    client.send(mqtt.ack(case.version, mqtt.PUBACK, 4711))
    client.ping()


@v5("MQTT-4.3.2-2")
def refusing_puback_ends_the_delivery(case):
    """A PUBACK with a reason code of 0x80 or more ends the delivery as well."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"no thanks", qos=1)
    message = receiver.expect(mqtt.PUBLISH)
    receiver.send(mqtt.ack(5, mqtt.PUBACK, message.pid, 0x97, {"reason_string": "full"}))
    receiver.ping()
    receiver.close()
    case.fence(keeping(case), sender)


@both()
def sender_and_receiver_identifiers_are_apart(case):
    """The packet identifiers of the two directions do not disturb each other."""
    client = case.client()
    client.subscribe(case.topic(), qos=1)
    for pid in range(1, 9):
        client.send(mqtt.publish(case.version, case.topic(), str(pid), 1, pid=pid))
        client.take(mqtt.PUBACK, pid=pid)
    for pid in range(1, 9):
        message = client.take(mqtt.PUBLISH)
        equal(message.payload, str(pid).encode(), "payload")
        client.acknowledge(message)


@both()
def packet_identifiers_go_round(case):
    """Thousands of deliveries run through the packet identifiers without a stop."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for batch in range(40):
        sender.send(b"".join(mqtt.publish(case.version, case.topic(), b"%d" % i, 1, pid=i + 1) for i in range(20)))
        for number in range(20):
            receiver.receive(b"%d" % number)
        for number in range(20):
            sender.expect(mqtt.PUBACK, pid=number + 1)
    check(batch == 39, "all batches went through")
