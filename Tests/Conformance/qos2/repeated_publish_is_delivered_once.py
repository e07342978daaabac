# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import pair
from Support import mqtt
from Support.suite import both


@both("MQTT-4.3.3-10")
def repeated_publish_is_delivered_once(case):
    """A PUBLISH repeated with DUP before the PUBREL is delivered once."""
    receiver, sender = pair(case)
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, dup=True, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 7))
    sender.expect(mqtt.PUBCOMP, pid=7)
    receiver.receive("once", qos=2)
    case.fence(receiver, sender)
