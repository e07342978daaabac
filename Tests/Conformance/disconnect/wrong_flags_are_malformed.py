# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.14.1-1")
def wrong_flags_are_malformed(case):
    """A DISCONNECT with flags set ends the connection as malformed."""
    client = case.client()
    client.send(b"\xe1\x00")
    client.expect_end(reasons=[0x81])
