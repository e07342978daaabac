# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.14.4-1")
def packets_after_disconnect_are_ignored(case):
    """What a client sends after its DISCONNECT is not done."""
    watcher, client = case.client("watcher"), case.client()
    watcher.subscribe(case.topic())
    client.send(mqtt.disconnect(case.version) + mqtt.publish(case.version, case.topic(), b"late"))
    client.expect_end()
    case.fence(watcher)
