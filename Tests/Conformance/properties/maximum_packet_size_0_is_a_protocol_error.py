# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.13.1-1")
def maximum_packet_size_0_is_a_protocol_error(case):
    """A Maximum Packet Size of 0 is a protocol error."""
    client = case.dial()
    client.send(mqtt.connect(5, client.client_id, props={"maximum_packet_size": 0}))
    client.expect_end(reasons=[0x82])
