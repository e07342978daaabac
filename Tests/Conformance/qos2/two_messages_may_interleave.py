# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import pair
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-4.3.3-10")
def two_messages_may_interleave(case):
    """Two publishes at QoS 2 may be completed in any order; each arrives once."""
    receiver, sender = pair(case)
    for pid in (1, 2):
        sender.send(mqtt.publish(case.version, case.topic(), str(pid), 2, pid=pid))
        sender.expect(mqtt.PUBREC, pid=pid)
    for pid in (2, 1):
        sender.send(mqtt.ack(case.version, mqtt.PUBREL, pid))
        sender.expect(mqtt.PUBCOMP, pid=pid)
    equal(sorted(receiver.receive().payload for _ in range(2)), [b"1", b"2"], "payloads")
    case.fence(receiver, sender)
