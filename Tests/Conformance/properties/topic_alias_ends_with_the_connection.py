# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import alias_maximum
from Support import mqtt
from Support.suite import v5


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
