# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5()
def pubrec_does_not_tell_of_subscribers(case):
    """A QoS 2 message that nobody has subscribed to is answered with success in both steps."""
    sender = case.client()
    sender.send(mqtt.publish(5, case.topic(), b"x", qos=2, pid=3))
    sender.expect(mqtt.PUBREC, pid=3, reason=0)
    sender.send(mqtt.ack(5, mqtt.PUBREL, 3))
    sender.expect(mqtt.PUBCOMP, pid=3, reason=0)
