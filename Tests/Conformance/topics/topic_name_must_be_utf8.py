# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-1.5.4-1", "MQTT-3.3.2-1")
def topic_name_must_be_utf8(case):
    """A topic name that is not UTF-8 ends the connection."""
    for bad in (b"a\xffb", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        client = case.client()
        client.send(mqtt.publish(case.version, bad, b"x"))
        client.expect_end(reasons=[0x81, 0x82, 0x90])
