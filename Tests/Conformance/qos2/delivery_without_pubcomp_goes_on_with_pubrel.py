# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import keeping, pair
from Support import mqtt
from Support.suite import both


@both("MQTT-4.3.3-5", "MQTT-4.3.3-6", "MQTT-4.4.0-1")
def delivery_without_pubcomp_goes_on_with_pubrel(case):
    """After the PUBREC only the PUBREL comes again on the next connection."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH)
    receiver.send(mqtt.ack(case.version, mqtt.PUBREC, message.pid))
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.close()
    receiver = keeping(case)
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
    case.fence(receiver, sender)
