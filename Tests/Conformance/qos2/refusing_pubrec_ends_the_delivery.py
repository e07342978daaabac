# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import keeping, pair
from Support import mqtt
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-4.3.3-4", "MQTT-4.4.0-2")
def refusing_pubrec_ends_the_delivery(case):
    """A PUBREC with a reason code of 0x80 or more ends the delivery without a PUBREL."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH)
    receiver.send(mqtt.ack(5, mqtt.PUBREC, message.pid, 0x97))
    case.fence(receiver, sender)
    receiver.close()
    equal(keeping(case).connack.session_present, True, "Session Present")
