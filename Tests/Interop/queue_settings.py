# SPDX-License-Identifier: Apache-2.0
# `mqtt { … }` of what waits for a client: how much, in which order; and what is asked of payloads and aliases.
from Support import mqtt
from Support.broker import Isthmus, config
from Support.suite import behaviour, check
from Support.wait import equal

KEEPING = {"clean": False, "props": {"session_expiry": 300}}


def broker_with(case, extra):
    broker = Isthmus("queues", lambda port: config(port, extra=extra))
    case.finally_(broker.kill)
    return broker.start()


def waited(broker, messages):
    """What a client gets of the messages (topic, payload, qos) that were published while it was away."""
    reader = broker.client("r", **KEEPING)
    reader.subscribe("#", qos=1)
    reader.disconnect()
    writer = broker.client("w")
    for topic, payload, qos in messages:
        writer.publish(topic, payload, qos=qos)
    writer.ping()
    reader = broker.client("r", **KEEPING)
    writer.publish("end", b"end", qos=1)
    found = []
    while (message := reader.receive()).topic != "end":
        found.append(message.payload)
    return found


@behaviour()
def full_queue_loses_the_oldest(case):
    """A queue of mqtt.max_mqueue_len messages loses its oldest."""
    broker = broker_with(case, "mqtt.max_mqueue_len = 3\n")
    equal(waited(broker, [("t", b"%d" % i, 1) for i in range(5)]), [b"2", b"3", b"4"], "waited")


@behaviour()
def queue_of_length_0_has_no_limit(case):
    """mqtt.max_mqueue_len = 0 is no limit, as in EMQX."""
    broker = broker_with(case, "mqtt.max_mqueue_len = 0\n")
    equal(waited(broker, [("t", b"%d" % i, 1) for i in range(1500)]), [b"%d" % i for i in range(1500)], "waited")


@behaviour()
def qos_0_need_not_wait(case):
    """With mqueue_store_qos0 = false QoS 0 messages do not wait for a client that is away."""
    broker = broker_with(case, "mqtt.mqueue_store_qos0 = false\n")
    equal(waited(broker, [("t", b"0", 0), ("t", b"1", 1)]), [b"1"], "waited")


@behaviour()
def priorities_decide_the_order(case):
    """Messages of topics with a higher priority come first."""
    broker = broker_with(case, 'mqtt.mqueue_priorities { "high/one" = 10, middle = 5 }\n')
    messages = [(topic, b"%s%d" % (topic[:1].encode(), i), 1) for i in range(2) for topic in ("low", "middle", "high/one")]
    equal(waited(broker, messages), [b"h0", b"h1", b"m0", b"m1", b"l0", b"l1"], "waited")


@behaviour()
def payload_format_is_checked_where_asked(case):
    """With validate_payload_format a payload said to be UTF-8 that is not is refused: 0x99."""
    broker = broker_with(case, "mqtt.validate_payload_format = true\n")
    writer = broker.client("w")
    text = {"payload_format": 1}
    for qos in (1, 2):
        equal(writer.publish("t", b"\xc3\x28", qos=qos, props=text, accepted=False).reason, 0x99, f"QoS {qos}")
    check(writer.publish("t", "Grüße\0".encode(), qos=1, props=text).reason < 0x80, "text is accepted")
    writer.publish("t", b"\xff", props=text)
    writer.expect_end([0x99])
    refused = broker.client("x", will={"topic": "t", "payload": b"\xff", "props": text}, expect=0x99)
    refused.expect_end()


@behaviour()
def aliases_of_the_broker_can_be_switched_off(case):
    """mqtt.max_topic_alias_out bounds the aliases that the broker uses; 0 is none."""
    for number in (0, 1):
        broker = broker_with(case, f"mqtt.max_topic_alias_out = {number}\n")
        reader, writer = broker.client("r", props={"topic_alias_maximum": 10}), broker.client("w")
        reader.subscribe("#")
        aliases = set()
        for i in range(12):
            writer.publish(f"a/rather/long/topic/{i % 2}", b"x")
            aliases.add(reader.expect(mqtt.PUBLISH).properties.get("topic_alias"))
        equal(aliases - {None}, set(range(1, number + 1)), "aliases")
