# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5()
def pubrec_of_an_unknown_identifier_is_told(case):
    """A PUBREC for a packet identifier that is not in use is answered with PUBREL 0x92."""
    receiver = case.client()
    receiver.send(mqtt.ack(5, mqtt.PUBREC, 4321))
    receiver.expect(mqtt.PUBREL, pid=4321, reason=0x92)


@v5("MQTT-4.3.3-4")
def refusing_pubrec_wants_no_pubrel(case):
    """A PUBREC with an error ends the delivery, of a known identifier as of an unknown one: no PUBREL follows."""
    receiver = case.client()
    receiver.send(mqtt.ack(5, mqtt.PUBREC, 4321, reason=0x80))
    receiver.send(mqtt.pingreq())
    receiver.expect(mqtt.PINGRESP)
    receiver.subscribe(case.topic(), qos=2)
    case.client("sender").publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH, qos=2)
    for reason in (0x80, 0x97):
        receiver.send(mqtt.ack(5, mqtt.PUBREC, message.pid, reason=reason))
    receiver.send(mqtt.pingreq())
    receiver.expect(mqtt.PINGRESP)
