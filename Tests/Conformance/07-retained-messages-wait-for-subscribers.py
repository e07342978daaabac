# SPDX-License-Identifier: Apache-2.0
# Retained messages: storing, replacing, clearing, and what a new subscription gets of them.
from Support import mqtt
from Support.suite import Skip, both, check, v5
from Support.wait import equal, until

RAP, RH1, RH2 = 0x08, 0x10, 0x20


def stored(case, payload=b"kept", name="t", qos=1, **options):
    sender = case.client("storing")
    sender.publish(case.topic(name), payload, qos=qos, retain=True, **options)
    return sender


@both("MQTT-3.3.1-5", "MQTT-3.3.1-9")
def new_subscriber_gets_the_retained_message(case):
    """A new subscriber gets the retained message, with the RETAIN flag."""
    stored(case)
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True, topic=case.topic(), dup=False)


@both("MQTT-3.3.1-12")
def living_subscriber_gets_it_without_the_flag(case):
    """A subscriber that was there before gets the message without the RETAIN flag."""
    client = case.client()
    client.subscribe(case.topic())
    stored(case)
    client.receive("kept", retain=False)


@both("MQTT-3.3.1-5")
def newer_message_replaces_the_older(case):
    """Of several retained messages of one topic only the last is kept."""
    for text in (b"one", b"two", b"three"):
        stored(case, text)
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic())
    client.receive("three", retain=True)
    case.fence(client, sender)


@both("MQTT-3.3.1-6", "MQTT-3.3.1-7")
def empty_message_clears(case):
    """A retained message without payload clears what was kept, and is not kept itself."""
    stored(case)
    sender = stored(case, b"")
    client = case.client()
    client.subscribe(case.topic())
    case.fence(client, sender)


@both("MQTT-3.3.1-6")
def clearing_message_is_delivered(case):
    """The message that clears reaches those who subscribe at that time."""
    stored(case)
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True)
    stored(case, b"")
    client.receive(b"", retain=False)


@both("MQTT-3.3.1-8")
def plain_message_leaves_the_retained_one(case):
    """A message without RETAIN neither replaces nor clears what is kept."""
    sender = stored(case)
    sender.publish(case.topic(), b"plain", qos=1)
    sender.publish(case.topic(), b"", qos=1)
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True)
    case.fence(client, sender)


@both("MQTT-3.3.1-9")
def wildcard_gets_every_retained_message(case):
    """A wildcard subscription gets all retained messages that match, and no others."""
    for name in ("a", "a/b", "a/c", "x/b"):
        sender = stored(case, name.encode(), name)
    client = case.client()
    client.subscribe(case.topic("a/#"))
    found = {client.expect(mqtt.PUBLISH, retain=True).topic for _ in range(3)}
    equal(found, {case.topic(n) for n in ("a", "a/b", "a/c")}, "topics")
    case.fence(client, sender)


@both("MQTT-3.3.1-9")
def single_level_wildcard_gets_its_level(case):
    """A + gets the retained messages of that level alone."""
    for name in ("l/1/x", "l/2/x", "l/2/y", "l/3/x/z"):
        sender = stored(case, name.encode(), name)
    client = case.client()
    client.subscribe(case.topic("l/+/x"))
    equal({client.receive().payload for _ in range(2)}, {b"l/1/x", b"l/2/x"}, "payloads")
    case.fence(client, sender)


@both("MQTT-3.8.4-8")
def retained_qos_is_the_lower_one(case):
    """A retained message comes at the lower of its own and the subscription's QoS."""
    for published in range(3):
        stored(case, b"q", f"q{published}", qos=published)
        for subscribed in range(3):
            client = case.client(f"s{published}{subscribed}")
            if published == 0:
                until(lambda: _has_retained(case, f"q{published}"), "the QoS 0 message is kept")
            client.subscribe(case.topic(f"q{published}"), qos=subscribed)
            client.receive("q", qos=min(published, subscribed), retain=True)


def _has_retained(case, name):
    probe = case.client(f"probe{len(case.clients)}")
    probe.subscribe(case.topic(name))
    probe.subscribe(case.topic("probe-end"))
    probe.publish(case.topic("probe-end"), b"end")
    return probe.take(mqtt.PUBLISH).payload != b"end"


@both("MQTT-3.3.1-5")
def retained_outlives_its_publisher(case):
    """A retained message stays when its publisher's session ends."""
    stored(case).disconnect()
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True)


@both("MQTT-3.3.1-9")
def each_filter_of_a_subscribe_gets_its_retained(case):
    """A SUBSCRIBE of several filters gets the retained messages of each."""
    stored(case, b"a", "a")
    stored(case, b"b", "b")
    client = case.client()
    client.subscribe(case.topic("a"), case.topic("b"))
    equal({client.receive().payload for _ in range(2)}, {b"a", b"b"}, "payloads")


@both("MQTT-3.8.4-4")
def subscribing_again_brings_it_again(case):
    """A SUBSCRIBE to the same filter brings the retained message again."""
    stored(case)
    client = case.client()
    for _ in range(2):
        client.subscribe(case.topic())
        client.receive("kept", retain=True)


@both("MQTT-4.7.2-1")
def hash_gets_no_retained_dollar_topics(case):
    """A subscription to # or + brings no retained message of a topic that begins with $."""
    client = case.client()
    client.subscribe("+/+/+/+/+")
    client.subscribe("+/case" + str(case.number))
    client.publish(f"end/case{case.number}", b"end")
    while True:
        message = client.take(mqtt.PUBLISH)
        check(not message.topic.startswith("$"), f"got {message.topic}")
        if message.payload == b"end":
            return


@both()
def retained_with_big_payload(case):
    """A retained message of 300 KB is kept whole."""
    stored(case, b"0123456789" * 30000)
    client = case.client()
    client.subscribe(case.topic())
    equal(len(client.receive(retain=True).payload), 300000, "length")


@v5("MQTT-3.3.1-9")
def retain_handling_0_sends_at_each_subscribe(case):
    """Retain Handling 0 sends retained messages at every SUBSCRIBE."""
    stored(case)
    client = case.client()
    for _ in range(2):
        client.subscribe(case.topic(), options=0)
        client.receive("kept", retain=True)


@v5("MQTT-3.3.1-10")
def retain_handling_1_sends_to_new_subscriptions(case):
    """Retain Handling 1 sends retained messages only if the subscription is new."""
    sender = stored(case)
    client = case.client()
    client.subscribe(case.topic(), options=RH1)
    client.receive("kept", retain=True)
    client.subscribe(case.topic(), options=RH1)
    case.fence(client, sender)
    client.unsubscribe(case.topic())
    client.subscribe(case.topic(), options=RH1)
    client.receive("kept", retain=True)


@v5("MQTT-3.3.1-11")
def retain_handling_2_sends_none(case):
    """Retain Handling 2 sends no retained messages."""
    sender = stored(case)
    client = case.client()
    client.subscribe(case.topic(), options=RH2)
    case.fence(client, sender)


@v5("MQTT-3.8.3-5")
def retain_handling_3_is_refused(case):
    """Retain Handling 3 ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(5, 1, [(case.topic(), 0x30)]))
    client.expect_end(reasons=[0x81, 0x82])


@v5("MQTT-3.3.1-13")
def retain_as_published_keeps_the_flag(case):
    """With Retain As Published a live message keeps its RETAIN flag."""
    client = case.client()
    client.subscribe(case.topic(), options=RAP)
    sender = stored(case)
    client.receive("kept", retain=True)
    sender.publish(case.topic(), b"plain")
    client.receive("plain", retain=False)


@v5("MQTT-3.3.2-4", "MQTT-3.3.2-17", "MQTT-3.3.2-20")
def properties_are_kept(case):
    """A retained message keeps its properties."""
    given = {"payload_format": 1, "content_type": "text/plain", "response_topic": "answers",
             "correlation_data": b"\0\1", "user_property": [("b", "1"), ("a", "2"), ("b", "1")]}
    stored(case, props=given)
    client = case.client()
    client.subscribe(case.topic())
    equal(client.receive("kept").properties, given, "properties")


@v5("MQTT-3.3.2-6")
def expiry_counts_down(case):
    """A retained message is sent with the rest of its expiry interval."""
    stored(case, props={"message_expiry": 1000})
    client = case.client()
    client.subscribe(case.topic())
    left = client.receive("kept").properties.get("message_expiry", 0)
    check(900 < left <= 1000, f"Message Expiry Interval {left}")


@v5("MQTT-3.3.2-5")
def expired_retained_message_is_gone(case):
    """A retained message is not sent after its expiry interval."""
    stored(case, props={"message_expiry": 1})
    until(lambda: not _has_retained(case, "t"), "the message expires", interval=0.2)


@v5()
def retain_is_available(case):
    """The CONNACK does not deny retained messages."""
    if case.client().connack.properties.get("retain_available", 1) == 0:
        raise Skip("this broker has no retained messages")
