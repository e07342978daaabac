# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.2.1-5", "MQTT-3.3.4-1", "MQTT-4.3.2-4")
def publish_is_acknowledged(case):
    """A PUBLISH at QoS 1 is answered by a PUBACK with its packet identifier."""
    client = case.client()
    for pid in (1, 300, 65535):
        client.send(mqtt.publish(case.version, case.topic(), b"x", 1, pid=pid))
        client.expect(mqtt.PUBACK, pid=pid)
