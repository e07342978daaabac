# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import wait_on_the_broker
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.3.3-13")
def expiry_does_not_end_the_handshake(case):
    """A publish at QoS 2 is completed with its PUBREL although the message has expired."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"short", 2, pid=7, props={"message_expiry": 1}))
    client.expect(mqtt.PUBREC, pid=7)
    wait_on_the_broker(case, 2)
    client.send(mqtt.publish(5, case.topic(), b"short", 2, pid=7, dup=True, props={"message_expiry": 1}))
    client.expect(mqtt.PUBREC, pid=7)
    client.send(mqtt.ack(5, mqtt.PUBREL, 7))
    client.expect(mqtt.PUBCOMP, pid=7, reason=0)
