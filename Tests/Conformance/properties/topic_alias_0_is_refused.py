# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.2-8")
def topic_alias_0_is_refused(case):
    """Topic alias 0 ends the connection with Topic Alias Invalid."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"topic_alias": 0}))
    client.expect_end(reasons=[0x94])
