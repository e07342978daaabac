# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-22")
def half_a_packet_does_not_hold_the_connection(case):
    """A client that stops in the middle of a packet is disconnected too."""
    client = case.client(keepalive=1)
    client.send(mqtt.publish(case.version, case.topic(), b"x" * 100)[:50])
    client.expect_end()
