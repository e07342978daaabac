# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.0-1")
def publish_before_connect_is_not_routed(case):
    """A PUBLISH before the CONNECT is not routed and ends the connection."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic())
    client = case.dial(name="early")
    client.send(mqtt.publish(case.version, case.topic(), b"early"))
    client.expect_end()
    case.fence(watcher)
