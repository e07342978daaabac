# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.0-1")
def first_packet_must_be_connect(case):
    """A client whose first packet is not a CONNECT is disconnected."""
    client = case.dial()
    client.send(mqtt.pingreq())
    client.expect_end()
