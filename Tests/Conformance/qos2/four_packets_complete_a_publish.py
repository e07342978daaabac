# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-2.2.1-5", "MQTT-3.3.4-1", "MQTT-4.3.3-8", "MQTT-4.3.3-11")
def four_packets_complete_a_publish(case):
    """PUBLISH, PUBREC, PUBREL and PUBCOMP carry the same packet identifier."""
    sender = case.client()
    sender.send(mqtt.publish(case.version, case.topic(), b"x", 2, pid=99))
    sender.expect(mqtt.PUBREC, pid=99)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 99))
    sender.expect(mqtt.PUBCOMP, pid=99, reason=0)
