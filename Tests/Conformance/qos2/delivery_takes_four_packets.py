# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import keeping, pair
from Support import mqtt
from Support.suite import both


@both("MQTT-4.3.3-1", "MQTT-4.3.3-5")
def delivery_takes_four_packets(case):
    """A delivery at QoS 2 is PUBLISH, PUBREC, PUBREL, PUBCOMP, and then over."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH, qos=2, dup=False)
    receiver.send(mqtt.ack(case.version, mqtt.PUBREC, message.pid))
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    receiver.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
    receiver.ping()
    receiver.close()
    case.fence(keeping(case), sender)
