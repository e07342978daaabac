# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import Skip, v5


@v5("MQTT-3.2.2-15")
def too_big_for_the_broker_is_refused(case):
    """A packet above the broker's Maximum Packet Size ends the connection with 0x95."""
    client = case.client()
    maximum = client.connack.properties.get("maximum_packet_size")
    if maximum is None or maximum > 1 << 26:
        raise Skip("this broker announces no Maximum Packet Size to speak of")
    client.send(b"\x30" + mqtt.varint(maximum) + mqtt.text(case.topic()) + b"\0")
    client.expect_end(reasons=[0x95])
