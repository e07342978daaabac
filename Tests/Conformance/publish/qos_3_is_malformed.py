# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.3.1-4")
def qos_3_is_malformed(case):
    """A PUBLISH with both QoS bits set ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, case.topic(), b"x", qos=3, pid=1))
    client.expect_end(reasons=[0x81])
