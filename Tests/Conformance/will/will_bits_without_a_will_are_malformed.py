# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-11", "MQTT-3.1.2-13")
def will_bits_without_a_will_are_malformed(case):
    """Will QoS or Will Retain without a will end the connection."""
    for flags in (0x0A, 0x22):
        client = case.dial()
        client.send(mqtt.connect(case.version, client.client_id, flags=flags))
        client.expect_end(reasons=[0x81, 0x82])
