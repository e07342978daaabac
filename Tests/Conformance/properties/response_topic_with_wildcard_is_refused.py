# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.2-14")
def response_topic_with_wildcard_is_refused(case):
    """A Response Topic with a wildcard is a protocol error."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"response_topic": "a/#"}))
    client.expect_end(reasons=[0x82, 0x81, 0x90])


@v5("MQTT-4.7.3-1")
def empty_response_topic_is_refused(case):
    """A Response Topic is a topic name, so an empty one is a protocol error, in a PUBLISH and in a will."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"response_topic": ""}))
    client.expect_end(reasons=[0x82, 0x81, 0x90])
    willing = case.dial(name="will")
    willing.send(mqtt.connect(5, willing.client_id, will={"topic": case.topic(), "props": {"response_topic": ""}}))
    willing.expect_end(reasons=[0x82, 0x81, 0x90])
