# SPDX-License-Identifier: Apache-2.0
# `mqtt { … }` about clients and their subscriptions and messages, with EMQX's names.
from Support import mqtt
from Support.broker import Isthmus, config
from Support.suite import behaviour
from Support.wait import check, equal


def broker_with(case, extra):
    broker = Isthmus("clients", lambda port: config(port, extra=extra))
    case.finally_(broker.kill)
    return broker.start()


@behaviour()
def user_name_as_client_identifier(case):
    """With mqtt.use_username_as_clientid a user has one connection, whatever its CONNECTs say."""
    broker = broker_with(case, "mqtt.use_username_as_clientid = true\n")
    first = broker.client("c1", username="ann", password=b"x")
    second = broker.client("c2", username="ann", password=b"x")
    first.expect_end([0x8E])
    second.ping()
    told = broker.client("", username="bob", password=b"x")
    equal(told.connack.properties.get("assigned_client_id"), "bob", "assigned client identifier")


@behaviour()
def number_of_subscriptions(case):
    """Subscriptions beyond mqtt.max_subscriptions are refused: 0x97, in 3.1.1 0x80."""
    broker = broker_with(case, "mqtt.max_subscriptions = 2\n")
    for version, code in ((5, 0x97), (4, 0x80)):
        client = broker.client(f"c{version}", version=version)
        equal(client.subscribe("a").reasons, [0], "first")
        equal(client.subscribe("$share/g/b").reasons, [0], "second")
        equal(client.subscribe("c", granted=False).reasons, [code], "third")
        equal(client.subscribe("a", qos=1).reasons, [1], "the first again")


@behaviour()
def own_messages(case):
    """With mqtt.ignore_loop_deliver 3.1.1 clients do not get their own messages."""
    broker = broker_with(case, "mqtt.ignore_loop_deliver = true\n")
    client, other = broker.client("c", version=4), broker.client("o", version=4)
    client.subscribe("t")
    client.publish("t", b"own")
    client.ping()
    other.publish("t", b"other")
    equal(client.receive().payload, b"other", "first message")


@behaviour()
def higher_qos(case):
    """With mqtt.upgrade_qos a QoS 0 message reaches a QoS 1 subscription with QoS 1."""
    broker = broker_with(case, "mqtt.upgrade_qos = true\n")
    client = broker.client("c")
    client.subscribe("t", qos=1)
    client.publish("t", b"x", qos=0)
    equal(client.receive().qos, 1, "QoS")


@behaviour()
def life_of_messages(case):
    """mqtt.message_expiry_interval is the life of messages that do not say how long they live."""
    broker = broker_with(case, "mqtt.message_expiry_interval = 30s\n")
    client = broker.client("c")
    client.subscribe("t")
    for version, props, life in ((4, None, 30), (5, None, 30), (5, {"message_expiry": 100}, 100)):
        writer = broker.client("w", version=version)
        writer.publish("t", b"x", **({"props": props} if props else {}))
        equal(client.receive().properties.get("message_expiry"), life, f"MQTT {version}, {props}")


@behaviour("MQTT3-3.1.2-24", "MQTT-3.2.2-22")
def keep_alive_of_the_server(case):
    """mqtt.server_keepalive is for MQTT 5 clients, who are told; others keep their own, or none."""
    broker = broker_with(case, "mqtt.server_keepalive = 1\n")
    silent = {version: broker.client(f"c{version}", version=version, keepalive=0) for version in (3, 4)}
    told = broker.client("c5", keepalive=600)
    equal(told.connack.properties.get("server_keep_alive"), 1, "Server Keep Alive")
    told.expect_end([0x8D])
    for client in silent.values():
        client.ping()


@behaviour("MQTT-1.5.4-1")
def strict_mode(case):
    """With mqtt.strict_mode control characters and non-characters in texts make a packet malformed, without it they do not."""
    texts = ["a\u0001b", "a\u007fb", "a\u009fb", "a\ufdd0b", "a\U0001ffffb"]
    lax = broker_with(case, "")
    strict = broker_with(case, "mqtt.strict_mode = true\n")
    for text in texts:
        client = lax.client("")
        client.subscribe(text)
        client.publish(text, b"x", qos=1)
        client.receive("x", topic=text)
        for data in (mqtt.publish(5, text, b"x"), mqtt.publish(5, text, b"x", qos=1, pid=1),
                     mqtt.publish(5, "t", b"x", props={"user_property": ("name", text)}),
                     mqtt.subscribe(5, 1, [(text, 0)]), mqtt.unsubscribe(5, 1, [text])):
            client = strict.client("")
            client.send(data)
            client.expect_end([0x81])
    client = strict.client("")
    client.subscribe("é/\U0001f600/日本")
    client.publish("é/\U0001f600/日本", "\u0001", qos=1)
    check(client.receive("\u0001"), "a payload is no text")
