# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.1.3-1", "MQTT-3.8.1-1")
def wrong_flags_are_malformed(case):
    """A SUBSCRIBE with other flags than 0010 ends the connection."""
    for flags in (0, 1, 3, 10):
        client = case.client()
        body = mqtt.subscribe(case.version, 1, [(case.topic(), 0)])
        client.send(bytes([0x80 | flags]) + body[1:])
        client.expect_end(reasons=[0x81])
