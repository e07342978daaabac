# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import pair
from Support import mqtt
from Support.suite import both


@both("MQTT-4.3.3-4")
def repeated_pubrec_is_answered_with_pubrel(case):
    """A PUBREC that comes again is answered with a PUBREL again."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH)
    for _ in range(2):
        receiver.send(mqtt.ack(case.version, mqtt.PUBREC, message.pid))
        receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
    receiver.ping()
