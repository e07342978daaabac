# SPDX-License-Identifier: Apache-2.0
# What the server says beside a reason code: words that name the limit and its key, and response information.
from Support import mqtt
from Support.broker import Isthmus, config
from Support.client import Client
from Support.suite import behaviour, check
from Support.wait import equal


ASKS = {"request_problem_information": 1}


def broker_with(case, extra):
    broker = Isthmus("words", lambda port: config(port, extra=extra))
    case.finally_(broker.kill)
    return broker.start()


@behaviour("MQTT-3.1.2-28")
def response_information(case):
    """mqtt.response_information is told to clients that ask for it, and to no others."""
    broker = broker_with(case, 'mqtt.response_information = "answers/here"\n')
    for asks, told in ((1, "answers/here"), (0, None), (None, None)):
        props = None if asks is None else {"request_response_information": asks}
        connack = broker.client("c", props=props).connack
        equal(connack.properties.get("response_information"), told, f"Response Information when asked with {asks}")


@behaviour()
def limits_are_named(case):
    """A client that asks for problem information and goes over a limit is told the key of that limit."""
    broker = broker_with(case, "mqtt { max_packet_size = 1KB, max_topic_levels = 3, max_qos_allowed = 1, max_topic_alias = 5\n"
                               "retain_available = false, max_clientid_len = 30 }\n")
    for key, data in {
        "max_packet_size": mqtt.publish(5, "a", b"x" * 2000), "max_topic_levels": mqtt.publish(5, "a/b/c/d"),
        "max_qos_allowed": mqtt.publish(5, "a", qos=2, pid=1), "retain_available": mqtt.publish(5, "a", retain=True),
        "max_topic_alias": mqtt.publish(5, "a", props={"topic_alias": 9}),
    }.items():
        client = broker.client("c", props=ASKS)
        client.send(data)
        told = client.expect_end()
        check("mqtt." + key in told.properties["reason_string"], f"{told!r}")
    client = Client(broker.address, 5, "c" * 40)
    case.finally_(client.close)
    client.send(mqtt.connect(5, client.client_id, props=ASKS))
    told = client.expect_end(reasons=[0x85])
    check("mqtt.max_clientid_len" in told.properties["reason_string"], f"{told!r}")


@behaviour("MQTT-3.14.2-3")
def small_packets_go_without_words(case):
    """A client that takes only small packets gets the reason code alone."""
    broker = broker_with(case, "")
    client = broker.client("c", props={"maximum_packet_size": 30} | ASKS)
    client.send(mqtt.connect(5, "c"))
    told = client.expect_end(reasons=[0x82])
    equal(told.properties, {}, "properties of the DISCONNECT")


@behaviour()
def words_are_for_those_who_ask(case):
    """A client that does not mention problem information gets the reason code alone."""
    broker = broker_with(case, "mqtt.max_topic_alias = 5\n")
    client = broker.client("c")
    client.send(mqtt.publish(5, "a", props={"topic_alias": 9}))
    told = client.expect_end(reasons=[0x94])
    equal((told.properties, told.size), ({}, 3), "properties and size of the DISCONNECT")
