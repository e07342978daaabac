# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.2.1-3")
def packet_identifier_0_is_refused(case):
    """A SUBSCRIBE with packet identifier 0 ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(case.version, 0, [(case.topic(), 0)]))
    client.expect_end(reasons=[0x81, 0x82])
