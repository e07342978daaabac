# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-1.5.4-2", "MQTT-4.7.3-2")
def null_character_is_refused(case):
    """A topic name with U+0000 ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, "a\0b", b"x"))
    client.expect_end(reasons=[0x81, 0x82, 0x90])
