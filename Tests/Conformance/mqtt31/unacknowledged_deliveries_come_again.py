# SPDX-License-Identifier: Apache-2.0
from Conformance.mqtt31.parts import pair
from Support import mqtt
from Support.suite import v3


@v3()
def unacknowledged_deliveries_come_again(case):
    """A delivery without PUBACK, and a PUBREL without PUBCOMP, come again on the next connection."""
    receiver, sender = pair(case, qos=2, clean=False)
    sender.publish(case.topic(), b"one", qos=1)
    sender.publish(case.topic(), b"two", qos=2)
    one = receiver.expect(mqtt.PUBLISH, payload=b"one")
    two = receiver.expect(mqtt.PUBLISH, payload=b"two")
    receiver.send(mqtt.ack(3, mqtt.PUBREC, two.pid))
    receiver.expect(mqtt.PUBREL, pid=two.pid)
    receiver.close()
    receiver = case.client("receiver", clean=False)
    receiver.receive("one", dup=True, qos=1, pid=one.pid)
    receiver.expect(mqtt.PUBREL, pid=two.pid)
    receiver.send(mqtt.ack(3, mqtt.PUBCOMP, two.pid))
    case.fence(receiver, sender)
