# SPDX-License-Identifier: Apache-2.0
# QoS 2 in both directions, with the network cut at every step.
from Support import mqtt
from Support.suite import both, check, v5
from Support.wait import equal


def keeping(case, name="receiver", **options):
    """A client whose session outlives its connection."""
    return case.client(name, clean=False, props={"session_expiry": 300} if case.version == 5 else None, **options)


def pair(case, keep=False):
    receiver = keeping(case) if keep else case.client("receiver")
    receiver.subscribe(case.topic(), qos=2)
    return receiver, case.client("sender")


@both("MQTT-4.3.3-8", "MQTT-4.3.3-11")
def four_packets_complete_a_publish(case):
    """PUBLISH, PUBREC, PUBREL and PUBCOMP carry the same packet identifier."""
    sender = case.client()
    sender.send(mqtt.publish(case.version, case.topic(), b"x", 2, pid=99))
    sender.expect(mqtt.PUBREC, pid=99)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 99))
    sender.expect(mqtt.PUBCOMP, pid=99, reason=0)


@both("MQTT-4.3.3-10")
def repeated_publish_is_delivered_once(case):
    """A PUBLISH repeated with DUP before the PUBREL is delivered once."""
    receiver, sender = pair(case)
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, dup=True, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 7))
    sender.expect(mqtt.PUBCOMP, pid=7)
    receiver.receive("once", qos=2)
    case.fence(receiver, sender)


@both("MQTT-4.3.3-10")
def repeated_publish_on_a_new_connection_is_delivered_once(case):
    """A PUBLISH repeated on the next connection of the session is delivered once."""
    receiver = case.client("watcher")
    receiver.subscribe(case.topic(), qos=2)
    sender = keeping(case, "sender")
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.close()
    sender = keeping(case, "sender")
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, dup=True, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 7))
    sender.expect(mqtt.PUBCOMP, pid=7)
    receiver.receive("once", qos=2)
    case.fence(receiver, sender)


@both("MQTT-4.3.3-12")
def identifier_is_free_after_pubcomp(case):
    """After the PUBCOMP the packet identifier begins a new message."""
    receiver, sender = pair(case)
    for text in (b"one", b"two"):
        sender.publish(case.topic(), text, qos=2, pid=3)
        receiver.receive(text, qos=2)


@both("MQTT-4.3.3-11")
def repeated_pubrel_is_answered(case):
    """A PUBREL that comes again is answered with a PUBCOMP again."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"once", qos=2, pid=8)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 8))
    answer = sender.expect(mqtt.PUBCOMP, pid=8)
    check(answer.reason in (0, 0x92), f"{answer!r}")
    receiver.receive("once")
    case.fence(receiver, sender)


@v5()
def pubrel_of_an_unknown_identifier_is_told(case):
    """A PUBREL for a packet identifier that is not in use is answered with 0x92."""
    sender = case.client()
    sender.send(mqtt.ack(5, mqtt.PUBREL, 1234))
    sender.expect(mqtt.PUBCOMP, pid=1234, reason=0x92)


@both("MQTT-3.6.1-1")
def pubrel_with_wrong_flags_is_malformed(case):
    """A PUBREL with other flags than 0010 ends the connection."""
    sender = case.client()
    sender.send(mqtt.publish(case.version, case.topic(), b"x", 2, pid=1))
    sender.expect(mqtt.PUBREC)
    sender.send(b"\x60\x02\x00\x01")
    sender.expect_end(reasons=[0x81])


@both("MQTT-4.3.3-1", "MQTT-4.3.3-5")
def delivery_takes_four_packets(case):
    """A delivery at QoS 2 is PUBLISH, PUBREC, PUBREL, PUBCOMP, and then over."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH, qos=2, dup=False)
    receiver.send(mqtt.ack(case.version, mqtt.PUBREC, message.pid))
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
    receiver.ping()
    receiver.close()
    case.fence(keeping(case), sender)


@both("MQTT-4.4.0-1")
def delivery_without_pubrec_comes_again(case):
    """A delivery that was not answered comes again on the next connection with DUP and the same identifier."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH, payload=b"x")
    receiver.close()
    receiver = keeping(case)
    receiver.receive("x", dup=True, pid=message.pid, qos=2)
    case.fence(receiver, sender)


@both("MQTT-4.4.0-1")
def delivery_without_pubcomp_goes_on_with_pubrel(case):
    """After the PUBREC only the PUBREL comes again on the next connection."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH)
    receiver.send(mqtt.ack(case.version, mqtt.PUBREC, message.pid))
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.close()
    receiver = keeping(case)
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
    case.fence(receiver, sender)


@both("MQTT-4.3.3-4")
def repeated_pubrec_is_answered_with_pubrel(case):
    """A PUBREC that comes again is answered with a PUBREL again."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH)
    for _ in range(2):
        receiver.send(mqtt.ack(case.version, mqtt.PUBREC, message.pid))
        receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
    receiver.ping()


@v5("MQTT-4.3.3-4")
def refusing_pubrec_ends_the_delivery(case):
    """A PUBREC with a reason code of 0x80 or more ends the delivery without a PUBREL."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH)
    receiver.send(mqtt.ack(5, mqtt.PUBREC, message.pid, 0x97))
    case.fence(receiver, sender)
    receiver.close()
    equal(keeping(case).connack.session_present, True, "Session Present")


@v5()
def pubrec_of_an_unknown_identifier_is_told(case):
    """A PUBREC for a packet identifier that is not in use is answered with PUBREL 0x92."""
    receiver = case.client()
    receiver.send(mqtt.ack(5, mqtt.PUBREC, 4321))
    receiver.expect(mqtt.PUBREL, pid=4321, reason=0x92)


@both()
def unknown_pubcomp_does_no_harm(case):
    """A PUBCOMP for a packet identifier that is not in use changes nothing."""
    client = case.client()
    client.send(mqtt.ack(case.version, mqtt.PUBCOMP, 4711))
    client.ping()


@both("MQTT-4.3.3-10")
def two_messages_may_interleave(case):
    """Two publishes at QoS 2 may be completed in any order; each arrives once."""
    receiver, sender = pair(case)
    for pid in (1, 2):
        sender.send(mqtt.publish(case.version, case.topic(), str(pid), 2, pid=pid))
        sender.expect(mqtt.PUBREC, pid=pid)
    for pid in (2, 1):
        sender.send(mqtt.ack(case.version, mqtt.PUBREL, pid))
        sender.expect(mqtt.PUBCOMP, pid=pid)
    equal(sorted(receiver.receive().payload for _ in range(2)), [b"1", b"2"], "payloads")
    case.fence(receiver, sender)


@both("MQTT-3.1.2-4")
def clean_start_forgets_half_a_publish(case):
    """After a clean start the packet identifier of an unfinished publish is a new message."""
    receiver = case.client("watcher")
    receiver.subscribe(case.topic(), qos=0)
    sender = case.client("sender")
    sender.publish(case.topic(), b"whole", qos=2, pid=6)
    receiver.receive("whole")
    sender.send(mqtt.publish(case.version, case.topic(), b"half", 2, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender = case.client("sender")
    sender.publish(case.topic(), b"new", qos=2, pid=7)
    while receiver.take(mqtt.PUBLISH).payload != b"new":
        pass
