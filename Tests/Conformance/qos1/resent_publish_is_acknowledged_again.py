# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.3.2-5")
def resent_publish_is_acknowledged_again(case):
    """A PUBLISH that the sender repeats with DUP is acknowledged again."""
    sender = case.client()
    for dup in (False, True):
        sender.send(mqtt.publish(case.version, case.topic(), b"x", 1, dup=dup, pid=12))
        sender.expect(mqtt.PUBACK, pid=12)
