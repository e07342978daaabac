# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.10.3-1")
def filter_must_be_utf8(case):
    """An UNSUBSCRIBE of a filter that is not UTF-8, or has U+0000, ends the connection."""
    for bad in (b"a\xffb", b"a\x00b", b"\xed\xbf\xbf"):
        client = case.client()
        client.send(mqtt.unsubscribe(case.version, 1, [bad]))
        client.expect_end(reasons=[0x81, 0x82, 0x8F])
