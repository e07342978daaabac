# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-1.5.7-1")
def user_property_strings_must_be_utf8(case):
    """A user property whose name or value is not UTF-8 ends the connection."""
    for pair in ((b"\xff", b"value"), (b"name", b"\xff"), (b"na\x00me", b"value"), (b"name", b"\xed\xa0\x80")):
        client = case.client()
        client.send(mqtt.publish(5, case.topic(), b"x", props={"user_property": pair}))
        client.expect_end(reasons=[0x81, 0x82])
