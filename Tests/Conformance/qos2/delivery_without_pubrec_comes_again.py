# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import keeping, pair
from Support import mqtt
from Support.suite import both


@both("MQTT-3.3.1-1", "MQTT-4.3.3-3", "MQTT-4.4.0-1")
def delivery_without_pubrec_comes_again(case):
    """A delivery that was not answered comes again on the next connection with DUP and the same identifier."""
    receiver, sender = pair(case, keep=True)
    sender.publish(case.topic(), b"x", qos=2)
    message = receiver.expect(mqtt.PUBLISH, payload=b"x")
    receiver.close()
    receiver = keeping(case)
    receiver.receive("x", dup=True, pid=message.pid, qos=2)
    case.fence(receiver, sender)
