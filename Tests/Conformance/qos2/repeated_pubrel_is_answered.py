# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import pair
from Support import mqtt
from Support.suite import both, check


@both("MQTT-4.3.3-11")
def repeated_pubrel_is_answered(case):
    """A PUBREL that comes again is answered with a PUBCOMP again."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"once", qos=2, pid=8)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 8))
    answer = sender.expect(mqtt.PUBCOMP, pid=8)
    check(answer.reason in (0, 0x92), f"{answer!r}")
    receiver.receive("once")
    case.fence(receiver, sender)
