# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.15.1-1")
def auth_with_flags_is_malformed(case):
    """An AUTH packet with flags set ends the connection."""
    for flags in (1, 2, 4, 8):
        client = case.client()
        client.send(mqtt.packet(mqtt.AUTH, flags, b"\x19\x00"))
        client.expect_end(reasons=[0x81, 0x82])
