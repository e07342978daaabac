# SPDX-License-Identifier: Apache-2.0
# What MQTT 5.0 adds: properties passed on, topic aliases, flow control, sizes, subscription options.
from Support import mqtt
from Support.suite import Skip, check, v5
from Support.wait import equal

NO_LOCAL = 0x04


def pair(case, qos=0, **subscribe):
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=qos, **subscribe)
    return receiver, sender


def passed_on(name, value, cite):
    def property_is_passed_on(case):
        receiver, sender = pair(case)
        sender.publish(case.topic(), b"x", props={name: value})
        equal(receiver.receive("x").properties, {name: value}, "properties")
    property_is_passed_on.__name__ = name + "_is_passed_on"
    property_is_passed_on.__doc__ = f"The property {name} of a PUBLISH reaches the subscribers unchanged."
    v5(cite)(property_is_passed_on)


passed_on("payload_format", 1, "MQTT-3.3.2-4")
passed_on("content_type", "application/json; charset=utf-8", "MQTT-3.3.2-20")
passed_on("response_topic", "answers/here", "MQTT-3.3.2-15")
passed_on("correlation_data", bytes(range(256)), "MQTT-3.3.2-16")
passed_on("user_property", [("b", "1"), ("a", ""), ("b", "1"), ("", "x")], "MQTT-3.3.2-18")


@v5("MQTT-3.3.2-6")
def message_expiry_is_passed_on(case):
    """The Message Expiry Interval reaches the subscribers, less the time that has passed."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"x", props={"message_expiry": 500})
    check(490 < receiver.receive("x").properties.get("message_expiry", 0) <= 500, "another expiry")


@v5("MQTT-3.3.2-14")
def response_topic_with_wildcard_is_refused(case):
    """A Response Topic with a wildcard is a protocol error."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"response_topic": "a/#"}))
    client.expect_end(reasons=[0x82, 0x81, 0x90])


# ---- topic alias ----

def alias_maximum(client):
    maximum = client.connack.properties.get("topic_alias_maximum", 0)
    if not maximum:
        raise Skip("this broker takes no topic aliases")
    return maximum


@v5("MQTT-3.3.2-12")
def topic_alias_stands_for_its_topic(case):
    """A topic alias, once set, stands for its topic, and subscribers see the topic."""
    receiver, sender = pair(case)
    alias = alias_maximum(sender)
    sender.publish(case.topic(), b"one", props={"topic_alias": alias})
    sender.publish("", b"two", props={"topic_alias": alias})
    for text in ("one", "two"):
        equal(receiver.receive(text, topic=case.topic()).properties, {}, "properties")


@v5("MQTT-3.3.2-12")
def topic_alias_can_be_given_anew(case):
    """A topic alias can be set to another topic."""
    receiver, sender = pair(case)
    alias_maximum(sender)
    receiver.subscribe(case.topic("other"))
    sender.publish(case.topic(), b"one", props={"topic_alias": 1})
    sender.publish(case.topic("other"), b"two", props={"topic_alias": 1})
    sender.publish("", b"three", props={"topic_alias": 1})
    receiver.receive("one", topic=case.topic())
    receiver.receive("two", topic=case.topic("other"))
    receiver.receive("three", topic=case.topic("other"))


@v5("MQTT-3.3.2-7")
def topic_alias_ends_with_the_connection(case):
    """A topic alias of the connection before means nothing."""
    sender = case.client("s", clean=False, props={"session_expiry": 60})
    alias_maximum(sender)
    sender.publish(case.topic(), b"one", props={"topic_alias": 1})
    sender.disconnect()
    sender = case.client("s", clean=False, props={"session_expiry": 60})
    sender.send(mqtt.publish(5, "", b"two", props={"topic_alias": 1}))
    sender.expect_end(reasons=[0x82, 0x94])


@v5("MQTT-3.3.2-8")
def topic_alias_0_is_refused(case):
    """Topic alias 0 ends the connection."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"topic_alias": 0}))
    client.expect_end(reasons=[0x94, 0x82, 0x81])


@v5("MQTT-3.3.2-9")
def topic_alias_above_the_maximum_is_refused(case):
    """A topic alias above the maximum ends the connection with 0x94."""
    client = case.client()
    maximum = client.connack.properties.get("topic_alias_maximum", 0)
    if maximum == 65535:
        raise Skip("this broker takes every topic alias")
    client.send(mqtt.publish(5, case.topic(), b"x", props={"topic_alias": maximum + 1}))
    client.expect_end(reasons=[0x94])


@v5("MQTT-3.3.2-7")
def unknown_topic_alias_is_a_protocol_error(case):
    """A topic alias that was never set, without a topic, ends the connection."""
    client = case.client()
    alias_maximum(client)
    client.send(mqtt.publish(5, "", b"x", props={"topic_alias": 1}))
    client.expect_end(reasons=[0x82, 0x94])


@v5("MQTT-3.1.2-26", "MQTT-3.1.2-27")
def no_topic_alias_to_a_client_that_takes_none(case):
    """A client that announced no Topic Alias Maximum gets no topic aliases."""
    receiver, sender = pair(case)
    for number in range(5):
        sender.publish(case.topic(), str(number).encode())
        check("topic_alias" not in receiver.receive(str(number), topic=case.topic()).properties, "a topic alias")


# ---- flow control ----

@v5("MQTT-3.3.4-9")
def receive_maximum_of_the_client_is_kept(case):
    """The broker sends no more unacknowledged messages than the client's Receive Maximum."""
    receiver = case.client("receiver", props={"receive_maximum": 2})
    receiver.subscribe(case.topic(), qos=1)
    sender = case.client("sender")
    for number in range(6):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    waiting = [receiver.expect(mqtt.PUBLISH) for _ in range(2)]
    case.fence(receiver, sender)
    for number in range(2, 6):
        receiver.acknowledge(waiting.pop(0))
        waiting.append(receiver.expect(mqtt.PUBLISH, payload=str(number).encode()))


@v5("MQTT-3.3.4-9")
def receive_maximum_counts_qos_2_to_its_end(case):
    """A delivery at QoS 2 counts against the Receive Maximum until its PUBCOMP."""
    receiver = case.client("receiver", props={"receive_maximum": 1})
    receiver.subscribe(case.topic(), qos=2)
    sender = case.client("sender")
    for text in (b"one", b"two"):
        sender.publish(case.topic(), text, qos=2)
    message = receiver.expect(mqtt.PUBLISH, payload=b"one")
    receiver.send(mqtt.ack(5, mqtt.PUBREC, message.pid))
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    case.fence(receiver, sender)
    receiver.send(mqtt.ack(5, mqtt.PUBCOMP, message.pid))
    receiver.receive("two")


@v5("MQTT-4.9.0-3")
def receive_maximum_does_not_hold_qos_0(case):
    """Messages of QoS 0 come although the Receive Maximum is used up."""
    receiver = case.client("receiver", props={"receive_maximum": 1})
    receiver.subscribe(case.topic(), qos=1)
    sender = case.client("sender")
    sender.publish(case.topic(), b"one", qos=1)
    receiver.expect(mqtt.PUBLISH, payload=b"one")
    sender.publish(case.topic(), b"zero")
    receiver.receive("zero", qos=0)


@v5("MQTT-3.1.2-25")
def receive_maximum_0_is_a_protocol_error(case):
    """A Receive Maximum of 0 is a protocol error."""
    client = case.dial()
    client.send(mqtt.connect(5, client.client_id, props={"receive_maximum": 0}))
    client.expect_end(reasons=[0x82])


@v5("MQTT-3.3.4-7")
def receive_maximum_of_the_broker_is_enforced(case):
    """A client that exceeds the broker's Receive Maximum is disconnected with 0x93."""
    client = case.client()
    maximum = client.connack.properties.get("receive_maximum", 65535)
    if maximum == 65535:
        raise Skip("this broker announces no Receive Maximum")
    for pid in range(1, maximum + 2):
        client.send(mqtt.publish(5, case.topic(), b"x", 2, pid=pid))
    for pid in range(1, maximum + 1):
        client.expect(mqtt.PUBREC, pid=pid)
    client.expect_end(reasons=[0x93])


# ---- sizes ----

@v5("MQTT-3.1.2-24", "MQTT-3.1.2-25")
def too_big_for_the_client_is_left_out(case):
    """A message above the client's Maximum Packet Size is not sent, and the next ones are."""
    receiver = case.client("receiver", props={"maximum_packet_size": 200})
    receiver.subscribe(case.topic(), qos=1)
    sender = case.client("sender")
    for qos in (0, 1):
        sender.publish(case.topic(), b"x" * 300, qos=qos)
    sender.publish(case.topic(), b"small", qos=1)
    receiver.receive("small")


@v5("MQTT-3.1.2-24")
def maximum_packet_size_is_exact(case):
    """A message of exactly the client's Maximum Packet Size is sent, one byte more is not."""
    size = 4 + len(case.topic()) + 1 + 50
    receiver = case.client("receiver", props={"maximum_packet_size": size})
    receiver.subscribe(case.topic())
    sender = case.client("sender")
    sender.publish(case.topic(), b"y" * 51)
    sender.publish(case.topic(), b"x" * 50)
    receiver.receive(b"x" * 50)


@v5("MQTT-3.1.2-24")
def maximum_packet_size_0_is_a_protocol_error(case):
    """A Maximum Packet Size of 0 is a protocol error."""
    client = case.dial()
    client.send(mqtt.connect(5, client.client_id, props={"maximum_packet_size": 0}))
    client.expect_end(reasons=[0x82])


@v5("MQTT-3.2.2-15")
def too_big_for_the_broker_is_refused(case):
    """A packet above the broker's Maximum Packet Size ends the connection with 0x95."""
    client = case.client()
    maximum = client.connack.properties.get("maximum_packet_size")
    if maximum is None or maximum > 1 << 26:
        raise Skip("this broker announces no Maximum Packet Size to speak of")
    client.send(b"\x30" + mqtt.varint(maximum) + mqtt.text(case.topic()) + b"\0")
    client.expect_end(reasons=[0x95])


# ---- subscription options ----

@v5("MQTT-3.8.3-3")
def no_local_keeps_own_messages_away(case):
    """With No Local a client does not get what it published itself; others do."""
    client, other = case.client(), case.client("other")
    client.subscribe(case.topic(), options=NO_LOCAL)
    other.subscribe(case.topic())
    client.publish(case.topic(), b"mine", qos=1)
    other.receive("mine")
    other.publish(case.topic(), b"yours")
    client.receive("yours")


@v5("MQTT-3.3.4-3")
def subscription_identifier_comes_with_the_message(case):
    """A message carries the identifier of the subscription that it matched."""
    receiver, sender = pair(case, props={"subscription_id": 268435455})
    sender.publish(case.topic(), b"x")
    equal(receiver.receive("x").properties, {"subscription_id": [268435455]}, "properties")


@v5("MQTT-3.3.4-4", "MQTT-3.3.4-5")
def every_matching_identifier_comes(case):
    """A message that matches several subscriptions carries all their identifiers, together or one by one."""
    receiver, sender = case.client("receiver"), case.client("sender")
    for identifier, name in ((1, "a/#"), (2, "a/+"), (3, "a/b"), (4, "other")):
        receiver.subscribe(case.topic(name), props={"subscription_id": identifier})
    sender.publish(case.topic("a/b"), b"x")
    sender.publish(case.topic("other"), b"end")
    seen = []
    while True:
        message = receiver.take(mqtt.PUBLISH)
        if message.payload == b"end":
            break
        seen += message.properties.get("subscription_id", [])
    equal(sorted(seen), [1, 2, 3], "subscription identifiers")


@v5("MQTT-3.8.4-3")
def identifier_is_replaced_with_its_subscription(case):
    """A new SUBSCRIBE to a filter replaces its identifier, or takes it away."""
    receiver, sender = pair(case, props={"subscription_id": 5})
    for props, expected in (({"subscription_id": 6}, {"subscription_id": [6]}), (None, {})):
        receiver.subscribe(case.topic(), props=props)
        sender.publish(case.topic(), b"x")
        equal(receiver.receive("x").properties, expected, "properties")


@v5("MQTT-3.3.4-3")
def identifier_comes_with_retained_messages(case):
    """A retained message carries the identifier of the subscription that brought it."""
    receiver, sender = case.client("receiver"), case.client("sender")
    sender.publish(case.topic(), b"kept", qos=1, retain=True)
    receiver.subscribe(case.topic(), props={"subscription_id": 9})
    equal(receiver.receive("kept", retain=True).properties, {"subscription_id": [9]}, "properties")


@v5()
def identifier_0_is_a_protocol_error(case):
    """Subscription Identifier 0 is a protocol error."""
    client = case.client()
    client.send(mqtt.subscribe(5, 1, [(case.topic(), 0)], {"subscription_id": 0}))
    client.expect_end(reasons=[0x82, 0x81])


# ---- properties in the wrong place or shape ----

def refused(label, sentence, reasons, make, connected=True):
    def is_refused(case):
        client = case.client() if connected else case.dial()
        client.send(make(case, client))
        client.expect_end(reasons=reasons)
    is_refused.__name__, is_refused.__doc__ = label, sentence
    v5("MQTT-4.13.1-1")(is_refused)


def raw_publish(case, props):
    return mqtt.packet(mqtt.PUBLISH, 0, mqtt.text(case.topic()) + props + b"x")


refused("property_twice", "A property that may stand once stands twice: a protocol error.", [0x82],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"content_type": ["a", "b"]}))
refused("connect_property_twice", "A CONNECT with Session Expiry Interval twice is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"session_expiry": [1, 2]}), connected=False)
refused("unknown_property", "An unknown property is malformed.", [0x81, 0x82],
        lambda case, _: raw_publish(case, b"\x02\x7e\x00"))
refused("misplaced_property", "A property that does not belong into its packet ends the connection.", [0x81, 0x82],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"session_expiry": 1}))
refused("misplaced_connect_property", "A CONNECT with a Topic Alias is refused.", [0x81, 0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"topic_alias": 1}), connected=False)
refused("property_length_past_the_end", "A property length past the end of the packet is malformed.", [0x81],
        lambda case, _: raw_publish(case, b"\x7f"))
refused("property_cut_off", "A property that is cut off by the property length is malformed.", [0x81, 0x82],
        lambda case, _: raw_publish(case, b"\x02\x02\x00"))
refused("property_length_of_five_bytes", "A property length of five bytes is malformed.", [0x81],
        lambda case, _: raw_publish(case, b"\x80\x80\x80\x80\x01"))
refused("payload_format_2", "A Payload Format Indicator above 1 is refused.", [0x81, 0x82, 0x99],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"payload_format": 2}))
refused("problem_information_2", "A Request Problem Information above 1 is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"request_problem_information": 2}), connected=False)
refused("response_information_2", "A Request Response Information above 1 is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"request_response_information": 2}), connected=False)
refused("authentication_data_alone", "Authentication Data without a method is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"auth_data": b"x"}), connected=False)
refused("auth_without_method", "An AUTH packet on a connection without authentication method is a protocol error.",
        [0x82], lambda *_: b"\xf0\x00")
refused("user_property_not_utf8", "A user property that is not UTF-8 is malformed.", [0x81, 0x82],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"user_property": (b"\xff", b"a")}))
