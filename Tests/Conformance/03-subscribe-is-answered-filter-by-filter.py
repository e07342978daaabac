# SPDX-License-Identifier: Apache-2.0
# SUBSCRIBE and its SUBACK. The options of MQTT 5.0 and shared subscriptions have files of their own.
from Support import mqtt
from Support.client import Closed
from Support.suite import behaviour, both, check, v4, v5
from Support.wait import equal


@behaviour("MQTT-3.8.4-1", "MQTT-3.8.4-2", versions=(3, 4, 5))
def suback_has_the_packet_identifier(case):
    """A SUBSCRIBE is answered by a SUBACK with its packet identifier."""
    client = case.client()
    for pid in (1, 77, 65535):
        client.send(mqtt.subscribe(case.version, pid, [(case.topic(), 0)]))
        client.expect(mqtt.SUBACK, pid=pid, reasons=[0])


@both("MQTT-3.8.4-7")
def requested_qos_is_granted(case):
    """QoS 0, 1 and 2 are granted as requested."""
    client = case.client()
    for qos in range(3):
        equal(client.subscribe(case.topic(str(qos)), qos=qos).reasons, [qos], "granted")


@both("MQTT-3.8.4-5", "MQTT-3.8.4-6", "MQTT-3.9.3-1")
def several_filters_get_a_code_each(case):
    """A SUBSCRIBE of several filters gets a SUBACK with a code for each, in their order."""
    client = case.client()
    wanted = [(case.topic("a"), 2), (case.topic("b/+"), 0), (case.topic("c/#"), 1)]
    client.send(mqtt.subscribe(case.version, 5, wanted))
    client.expect(mqtt.SUBACK, pid=5, reasons=[2, 0, 1])
    sender = case.client("sender")
    for name in ("a", "b/x", "c/y/z"):
        sender.publish(case.topic(name), name.encode(), qos=2)
    client.receive("a", qos=2)
    client.receive("b/x", qos=0)
    client.receive("c/y/z", qos=1)


@both("MQTT-3.8.4-5")
def hundreds_of_filters_in_one_packet(case):
    """A SUBSCRIBE of 500 filters works for every one of them."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(*[case.topic(f"many/{i}") for i in range(500)])
    for number in (0, 250, 499):
        sender.publish(case.topic(f"many/{number}"), b"x")
        client.receive("x", topic=case.topic(f"many/{number}"))


@both("MQTT-3.8.4-3")
def same_filter_replaces_the_subscription(case):
    """A second SUBSCRIBE to the same filter replaces the first, its QoS included."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic(), qos=0)
    client.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"once", qos=1)
    client.receive("once", qos=1)
    case.fence(client, sender)


@both("MQTT-3.3.4-2")
def overlapping_subscriptions_use_the_highest_qos(case):
    """A message that matches several filters of a client comes at least once at the highest of their QoS."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic("a/#"), qos=1)
    client.subscribe(case.topic("a/+"), qos=2)
    client.subscribe(case.topic("a/b"), qos=0)
    sender.publish(case.topic("a/b"), b"x", qos=2)
    sender.publish(case.topic("a/end"), b"end", qos=0)
    seen = []
    while not seen or seen[-1][0] != b"end":
        message = client.take(mqtt.PUBLISH)
        seen.append((message.payload, message.qos))
        client.acknowledge(message)
    check((b"x", 2) in seen, f"never at QoS 2: {seen!r}")


@both("MQTT-3.8.3-2")
def no_filter_is_a_protocol_error(case):
    """A SUBSCRIBE without any filter ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(case.version, 1, []))
    client.expect_end(reasons=[0x82, 0x81])


@both("MQTT-3.8.1-1")
def wrong_flags_are_malformed(case):
    """A SUBSCRIBE with other flags than 0010 ends the connection."""
    for flags in (0, 1, 3, 10):
        client = case.client()
        body = mqtt.subscribe(case.version, 1, [(case.topic(), 0)])
        client.send(bytes([0x80 | flags]) + body[1:])
        client.expect_end(reasons=[0x81])


@both("MQTT-2.2.1-3")
def packet_identifier_0_is_refused(case):
    """A SUBSCRIBE with packet identifier 0 ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(case.version, 0, [(case.topic(), 0)]))
    client.expect_end(reasons=[0x81, 0x82])


@both("MQTT-3.8.3-5")
def qos_3_is_refused(case):
    """A SUBSCRIBE that asks for QoS 3 ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(case.version, 1, [(case.topic(), 3)]))
    client.expect_end(reasons=[0x81, 0x82])


@v4("MQTT-3.8.3-4")
def reserved_bits_are_refused(case):
    """A SUBSCRIBE of 3.1.1 with bits beside the QoS ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(4, 1, [(case.topic(), 0x04)]))
    client.expect_end()


@v5("MQTT-3.8.3-5")
def reserved_option_bits_are_malformed(case):
    """A SUBSCRIBE with reserved option bits set ends the connection."""
    for options in (0x40, 0x80):
        client = case.client()
        client.send(mqtt.subscribe(5, 1, [(case.topic(), options)]))
        client.expect_end(reasons=[0x81, 0x82])


def refused_filter(name, filter_):
    def refused(case):
        client = case.client()
        client.send(mqtt.subscribe(case.version, 1, [(filter_, 0)]))
        answer = client.next()
        if answer.type == mqtt.SUBACK:
            check(answer.reasons[0] in ((0x8F, 0x80, 0x9E) if case.version == 5 else (0x80,)), f"{answer!r}")
        else:
            check(answer.type == mqtt.DISCONNECT and answer.reason in (0x81, 0x82, 0x8F), f"{answer!r}")

    def refused_or_closed(case):
        try:
            refused(case)
        except Closed:
            check(case.version == 4, "closed without a reason code")
    refused_or_closed.__name__ = "invalid_filter_" + name
    refused_or_closed.__doc__ = f"A SUBSCRIBE to the invalid filter {filter_!r} is refused."
    return refused_or_closed


for label, invalid in {
    "hash_not_last": "a/#/b", "hash_in_word": "a/b#", "plus_in_word": "a/b+/c", "plus_before_word": "+a", "empty": "",
    "two_hashes": "#/#",
}.items():
    both("MQTT-4.7.1-1", "MQTT-4.7.1-2")(refused_filter(label, invalid))


@both("MQTT-3.8.4-1")
def messages_flow_right_after_suback(case):
    """A message published after the SUBACK is never missed."""
    sender = case.client("sender")
    for number in range(30):
        client = case.client(f"r{number}")
        client.subscribe(case.topic(str(number)))
        sender.publish(case.topic(str(number)), b"now")
        client.receive("now")
        client.close()
