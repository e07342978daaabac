# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.1.3-1", "MQTT-3.6.1-1")
def pubrel_with_wrong_flags_is_malformed(case):
    """A PUBREL with other flags than 0010 ends the connection."""
    sender = case.client()
    sender.send(mqtt.publish(case.version, case.topic(), b"x", 2, pid=1))
    sender.expect(mqtt.PUBREC)
    sender.send(b"\x60\x02\x00\x01")
    sender.expect_end(reasons=[0x81])
