# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-4.13.1-1")
def packets_of_a_server_are_refused(case):
    """A client that sends CONNACK, SUBACK, UNSUBACK or PINGRESP is disconnected."""
    for data in (b"\x20\x02\0\0", b"\x90\x03\0\1\0", b"\xb0\x02\0\1", b"\xd0\x00"):
        if case.version == 5:
            data = {0x20: b"\x20\x03\0\0\0", 0x90: b"\x90\x04\0\1\0\0", 0xB0: b"\xb0\x04\0\1\0\0"}.get(data[0], data)
        client = case.client()
        client.send(data)
        client.expect_end(reasons=[0x81, 0x82])
