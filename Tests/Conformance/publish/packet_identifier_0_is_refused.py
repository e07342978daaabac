# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.2.1-3")
def packet_identifier_0_is_refused(case):
    """A PUBLISH at QoS 1 or 2 with packet identifier 0 ends the connection."""
    for qos in (1, 2):
        client = case.client()
        client.send(mqtt.publish(case.version, case.topic(), b"x", qos=qos, pid=0))
        client.expect_end(reasons=[0x81, 0x82])
