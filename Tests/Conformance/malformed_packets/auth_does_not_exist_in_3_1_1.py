# SPDX-License-Identifier: Apache-2.0
from Support.suite import v4


@v4("MQTT-4.13.1-1")
def auth_does_not_exist_in_3_1_1(case):
    """Packet type 15 ends a 3.1.1 connection."""
    client = case.client()
    client.send(b"\xf0\x00")
    client.expect_end()
