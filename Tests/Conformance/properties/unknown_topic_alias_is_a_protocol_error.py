# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import alias_maximum
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.2-7")
def unknown_topic_alias_is_a_protocol_error(case):
    """A topic alias that was never set, without a topic, ends the connection."""
    client = case.client()
    alias_maximum(client)
    client.send(mqtt.publish(5, "", b"x", props={"topic_alias": 1}))
    client.expect_end(reasons=[0x82, 0x94])
