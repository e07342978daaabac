# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import Skip, v5


@v5("MQTT-3.2.2-17", "MQTT-3.3.2-9")
def topic_alias_above_the_maximum_is_refused(case):
    """A topic alias above the maximum ends the connection with 0x94."""
    client = case.client()
    maximum = client.connack.properties.get("topic_alias_maximum", 0)
    if maximum == 65535:
        raise Skip("this broker takes every topic alias")
    client.send(mqtt.publish(5, case.topic(), b"x", props={"topic_alias": maximum + 1}))
    client.expect_end(reasons=[0x94])
