# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.1.3-1", "MQTT-3.10.1-1")
def wrong_flags_are_malformed(case):
    """An UNSUBSCRIBE with other flags than 0010 ends the connection."""
    client = case.client()
    client.send(b"\xa0" + mqtt.unsubscribe(case.version, 1, [case.topic()])[1:])
    client.expect_end(reasons=[0x81])
