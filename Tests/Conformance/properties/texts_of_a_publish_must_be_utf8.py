# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.2-13", "MQTT-3.3.2-19")
def texts_of_a_publish_must_be_utf8(case):
    """A Response Topic or Content Type that is not UTF-8 ends the connection."""
    for name in ("response_topic", "content_type"):
        for text in (b"\xff", b"a\x00b", b"\xed\xa0\x80"):
            client = case.client()
            client.send(mqtt.publish(5, case.topic(), b"x", props={name: text}))
            client.expect_end(reasons=[0x81, 0x82])
