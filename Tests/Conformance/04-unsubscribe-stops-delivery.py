# SPDX-License-Identifier: Apache-2.0
# UNSUBSCRIBE and its UNSUBACK.
from Support import mqtt
from Support.suite import behaviour, both, v4, v5
from Support.wait import equal


@behaviour("MQTT-3.10.4-4", "MQTT-3.10.4-5", versions=(3, 4, 5))
def unsuback_has_the_packet_identifier(case):
    """An UNSUBSCRIBE is answered by an UNSUBACK with its packet identifier."""
    client = case.client()
    client.subscribe(case.topic())
    client.send(mqtt.unsubscribe(case.version, 4242, [case.topic()]))
    client.expect(mqtt.UNSUBACK, pid=4242, reasons=[0] if case.version == 5 else [])


@both("MQTT-3.10.4-2")
def nothing_comes_after_unsuback(case):
    """After the UNSUBACK no further message of that filter comes."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic())
    sender.publish(case.topic(), b"before")
    client.receive("before")
    client.unsubscribe(case.topic())
    sender.publish(case.topic(), b"after")
    case.fence(client, sender)


@both("MQTT-3.10.4-1")
def filters_are_compared_letter_by_letter(case):
    """Only the very same filter is removed, not one that matches the same topics."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic("a/+"))
    client.unsubscribe(case.topic("a/b"))
    client.unsubscribe(case.topic("a/#"))
    sender.publish(case.topic("a/b"), b"still")
    client.receive("still")


@both("MQTT-3.10.4-6")
def several_filters_at_once(case):
    """An UNSUBSCRIBE of several filters removes each of them."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic("a"), case.topic("b"), case.topic("c"))
    client.unsubscribe(case.topic("a"), case.topic("c"))
    for name in "abc":
        sender.publish(case.topic(name), name.encode())
    client.receive("b")
    case.fence(client, sender)


@v4("MQTT-3.10.4-5")
def unknown_filter_is_answered(case):
    """In 3.1.1 an UNSUBSCRIBE of a filter that was never subscribed is answered all the same."""
    case.client().unsubscribe(case.topic("never"))


@v5("MQTT-3.11.3-1", "MQTT-3.11.3-2")
def unknown_filter_is_told(case):
    """An UNSUBSCRIBE of known and unknown filters gets 0x00 and 0x11 in their order."""
    client = case.client()
    client.subscribe(case.topic("a"))
    answer = client.unsubscribe(case.topic("never"), case.topic("a"), case.topic("nor"))
    equal(answer.reasons, [0x11, 0x00, 0x11], "UNSUBACK reason codes")


@both("MQTT-3.10.3-2")
def no_filter_is_a_protocol_error(case):
    """An UNSUBSCRIBE without any filter ends the connection."""
    client = case.client()
    client.send(mqtt.unsubscribe(case.version, 1, []))
    client.expect_end(reasons=[0x82, 0x81])


@both("MQTT-3.10.1-1")
def wrong_flags_are_malformed(case):
    """An UNSUBSCRIBE with other flags than 0010 ends the connection."""
    client = case.client()
    client.send(b"\xa0" + mqtt.unsubscribe(case.version, 1, [case.topic()])[1:])
    client.expect_end(reasons=[0x81])


@both("MQTT-2.2.1-3")
def packet_identifier_0_is_refused(case):
    """An UNSUBSCRIBE with packet identifier 0 ends the connection."""
    client = case.client()
    client.send(mqtt.unsubscribe(case.version, 0, [case.topic()]))
    client.expect_end(reasons=[0x81, 0x82])


@both("MQTT-3.10.4-3")
def deliveries_under_way_are_completed(case):
    """A QoS 2 delivery that has begun is completed after the UNSUBSCRIBE."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic(), qos=2)
    sender.publish(case.topic(), b"begun", qos=2)
    message = client.expect(mqtt.PUBLISH, payload=b"begun", qos=2)
    client.unsubscribe(case.topic())
    client.acknowledge(message)


@both("MQTT-3.10.4-2")
def other_subscribers_keep_theirs(case):
    """An UNSUBSCRIBE does not touch the same filter of another client."""
    first, second, sender = case.client("first"), case.client("second"), case.client("sender")
    for one in (first, second):
        one.subscribe(case.topic())
    first.unsubscribe(case.topic())
    sender.publish(case.topic(), b"for second")
    second.receive("for second")
    case.fence(first, sender)


@both()
def subscribing_again_works(case):
    """A filter can be subscribed again after it was unsubscribed."""
    client, sender = case.client(), case.client("sender")
    for number in range(3):
        client.subscribe(case.topic())
        sender.publish(case.topic(), str(number).encode())
        client.receive(str(number))
        client.unsubscribe(case.topic())
