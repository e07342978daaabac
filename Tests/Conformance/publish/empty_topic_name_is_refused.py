# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.7.3-1")
def empty_topic_name_is_refused(case):
    """A PUBLISH to an empty topic name, with no alias to stand for it, ends the connection."""
    client = case.client()
    client.send(mqtt.publish(case.version, "", b"x"))
    client.expect_end(reasons=[0x82, 0x81, 0x90])
