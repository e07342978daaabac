# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-1.5.4-1", "MQTT-3.1.3-11")
def will_topic_must_be_utf8(case):
    """A CONNECT whose will topic is not UTF-8, or has U+0000, ends the connection."""
    for bad in (b"a\xffb", b"a\x00b", b"\xed\xbf\xbf"):
        client = case.dial()
        client.send(mqtt.connect(case.version, client.client_id, will={"topic": bad, "payload": b"w"}))
        client.expect_end()
