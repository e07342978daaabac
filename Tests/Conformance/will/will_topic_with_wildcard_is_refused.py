# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.7.0-1")
def will_topic_with_wildcard_is_refused(case):
    """A will topic with a wildcard is refused."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, will={"topic": case.topic("#"), "payload": b""}))
    client.expect_end()
