# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.3.1-2")
def dup_at_qos_0_is_malformed(case):
    """A PUBLISH with DUP at QoS 0 ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, case.topic(), b"x", dup=True))
    client.expect_end(reasons=[0x81, 0x82])
