# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.2-14")
def response_topic_with_wildcard_is_refused(case):
    """A Response Topic with a wildcard is a protocol error."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"response_topic": "a/#"}))
    client.expect_end(reasons=[0x82, 0x81, 0x90])
