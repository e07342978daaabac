# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.3.2-2")
def wildcard_in_a_topic_name_is_refused(case):
    """A PUBLISH to a topic name with + or # ends the connection."""
    for topic in (case.topic("+"), case.topic("#"), "#", case.topic("a+b")):
        client = case.client()
        client.send(mqtt.publish(case.version, topic, b"x"))
        client.expect_end(reasons=[0x90, 0x81, 0x82])
