# SPDX-License-Identifier: Apache-2.0
# PUBLISH at its simplest: who gets it, what of it, in which order, and at which QoS.
from Support import mqtt
from Support.suite import behaviour, both, check, v5
from Support.wait import equal


def pair(case, filter_=None, qos=0, receiver_version=None, **subscribe):
    receiver, sender = case.client("receiver", receiver_version), case.client("sender")
    receiver.subscribe(filter_ or case.topic(), qos=qos, **subscribe)
    return receiver, sender


@behaviour("MQTT-3.3.5-1", versions=(3, 4, 5))
def subscriber_gets_the_message(case):
    """A subscriber gets topic and payload as they were published."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"hello")
    receiver.receive("hello", topic=case.topic(), qos=0, retain=False, dup=False)


@both()
def payload_is_any_bytes(case):
    """A payload of all 256 byte values arrives unchanged."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), bytes(range(256)))
    receiver.receive(bytes(range(256)))


@both()
def empty_payload_is_a_message(case):
    """A PUBLISH without payload is delivered."""
    receiver, sender = pair(case)
    sender.publish(case.topic())
    receiver.receive(b"")


@both()
def big_payload_arrives_whole(case):
    """A payload of 700 KB arrives unchanged."""
    receiver, sender = pair(case)
    payload = bytes(i * 7 & 0xFF for i in range(1000)) * 700
    sender.publish(case.topic(), payload)
    equal(receiver.next().payload == payload, True, "the payload is the same")


@both("MQTT-2.1.4-1")
def payload_sizes_around_the_length_borders_arrive(case):
    """Packets around 127, 16383 and 65535 bytes arrive unchanged."""
    receiver, sender = pair(case)
    overhead = 2 + len(case.topic())
    for border in (127, 128, 16383, 16384, 65535):
        for delta in (-2, -1, 0, 1):
            payload = b"x" * (border + delta - overhead)
            sender.publish(case.topic(), payload)
            receiver.receive(payload)


@both()
def every_subscriber_gets_a_copy(case):
    """Ten subscribers of one topic get the message once each."""
    receivers = [case.client(f"r{i}") for i in range(10)]
    for one in receivers:
        one.subscribe(case.topic())
    sender = case.client("sender")
    sender.publish(case.topic(), b"all")
    for one in receivers:
        one.receive("all")
        case.fence(one, sender)


@both()
def publisher_gets_its_own_message(case):
    """A client that subscribes to what it publishes gets it too."""
    client = case.client()
    client.subscribe(case.topic())
    client.publish(case.topic(), b"mine")
    client.receive("mine")


@both("MQTT-3.3.5-1")
def other_topics_are_not_delivered(case):
    """A subscriber gets nothing of topics that it did not subscribe to."""
    receiver, sender = pair(case)
    sender.publish(case.topic("other"), b"no")
    case.fence(receiver, sender)


@behaviour(versions=(4,))
def versions_3_1_1_to_5_0(case):
    """An MQTT 3.1.1 message reaches an MQTT 5.0 subscriber."""
    receiver, sender = pair(case, receiver_version=5)
    sender.publish(case.topic(), b"old to new")
    equal(receiver.receive("old to new").properties, {}, "properties")


@v5()
def versions_5_0_to_3_1_1(case):
    """An MQTT 5.0 message with properties reaches an MQTT 3.1.1 subscriber without them."""
    receiver, sender = pair(case, receiver_version=4)
    sender.publish(case.topic(), b"new to old", props={"content_type": "text/plain", "user_property": ("a", "b")})
    receiver.receive("new to old")


@v5()
def versions_5_0_to_3_1(case):
    """An MQTT 5.0 message reaches an MQTT 3.1 subscriber."""
    receiver, sender = pair(case, receiver_version=3)
    sender.publish(case.topic(), b"new to oldest")
    receiver.receive("new to oldest")


def qos_case(published, subscribed):
    def delivered(case):
        receiver, sender = pair(case, qos=subscribed)
        sender.publish(case.topic(), b"q", qos=published)
        receiver.receive("q", qos=min(published, subscribed), dup=False)
    delivered.__name__ = f"published_{published}_subscribed_{subscribed}"
    lower = min(published, subscribed)
    delivered.__doc__ = f"QoS {published} to a subscriber of QoS {subscribed} comes at QoS {lower}."
    return delivered


for published in range(3):
    for subscribed in range(3):
        both("MQTT-3.8.4-8")(qos_case(published, subscribed))


@both("MQTT-3.3.1-3")
def dup_of_the_sender_is_not_passed_on(case):
    """The DUP flag of an incoming PUBLISH does not reach the subscribers."""
    receiver, sender = pair(case, qos=1)
    sender.send(mqtt.publish(case.version, case.topic(), b"again", qos=1, dup=True, pid=9))
    sender.expect(mqtt.PUBACK, pid=9)
    receiver.receive("again", dup=False)


def order_case(qos):
    def in_order(case):
        receiver, sender = pair(case, qos=qos)
        for number in range(200):
            sender.send(mqtt.publish(case.version, case.topic(), str(number), qos, pid=number + 1))
            if qos and number % 10 == 9:
                for pid in range(number - 8, number + 2):
                    sender.take(mqtt.PUBACK if qos == 1 else mqtt.PUBREC, pid=pid)
                    if qos == 2:
                        sender.send(mqtt.ack(case.version, mqtt.PUBREL, pid))
                        sender.take(mqtt.PUBCOMP, pid=pid)
        seen = []
        while len(seen) < 200:
            message = receiver.take(mqtt.PUBLISH)
            seen.append(int(message.payload))
            receiver.acknowledge(message)
        equal(seen, list(range(200)), "the order of arrival")
    in_order.__name__ = f"order_is_kept_at_qos_{qos}"
    in_order.__doc__ = f"200 messages of one publisher at QoS {qos} arrive in the order of publishing."
    return in_order


for level in range(3):
    both("MQTT-4.6.0-6")(order_case(level))


@both("MQTT-3.3.2-2")
def wildcard_in_a_topic_name_is_refused(case):
    """A PUBLISH to a topic name with + or # ends the connection."""
    for topic in (case.topic("+"), case.topic("#"), "#", case.topic("a+b")):
        client = case.client()
        client.send(mqtt.publish(case.version, topic, b"x"))
        client.expect_end(reasons=[0x90, 0x81, 0x82])


@both("MQTT-4.7.3-1")
def empty_topic_name_is_refused(case):
    """A PUBLISH to an empty topic name, with no alias to stand for it, ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, "", b"x"))
    client.expect_end(reasons=[0x82, 0x81, 0x90])


@both("MQTT-3.3.1-4")
def qos_3_is_malformed(case):
    """A PUBLISH with both QoS bits set ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, case.topic(), b"x", qos=3, pid=1))
    client.expect_end(reasons=[0x81])


@both("MQTT-3.3.1-2")
def dup_at_qos_0_is_malformed(case):
    """A PUBLISH with DUP at QoS 0 ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, case.topic(), b"x", dup=True))
    client.expect_end(reasons=[0x81, 0x82])


@both("MQTT-2.2.1-3")
def packet_identifier_0_is_refused(case):
    """A PUBLISH at QoS 1 or 2 with packet identifier 0 ends the connection."""
    for qos in (1, 2):
        client = case.client()
        client.send(mqtt.publish(case.version, case.topic(), b"x", qos=qos, pid=0))
        client.expect_end(reasons=[0x81, 0x82])


@v5("MQTT-3.4.2-1")
def nobody_listens_is_a_success(case):
    """A QoS 1 PUBLISH that nobody subscribes to is acknowledged with 0x00 or 0x10."""
    check(case.client().publish(case.topic(), b"x", qos=1).reason in (0x00, 0x10), "another reason code")


@v5("MQTT-3.3.4-6")
def subscription_identifier_from_a_client_is_refused(case):
    """A PUBLISH of a client with a subscription identifier is a protocol error."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"subscription_id": 3}))
    client.expect_end(reasons=[0x82, 0x81])
