# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.13.1-1", "MQTT3-3.8.3-4")
def qos_3_is_refused(case):
    """A SUBSCRIBE that asks for QoS 3 ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(case.version, 1, [(case.topic(), 3)]))
    client.expect_end(reasons=[0x81, 0x82])
