# SPDX-License-Identifier: Apache-2.0
from Conformance.qos1.parts import keeping
from Support.suite import both


@both("MQTT-4.4.0-1")
def acknowledged_delivery_does_not_come_again(case):
    """A delivery with PUBACK does not come again."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"once", qos=1)
    receiver.receive("once")
    receiver.ping()
    receiver.close()
    case.fence(keeping(case), sender)
