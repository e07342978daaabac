# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import pair
from Support.suite import both


@both("MQTT-4.3.3-12")
def identifier_is_free_after_pubcomp(case):
    """After the PUBCOMP the packet identifier begins a new message."""
    receiver, sender = pair(case)
    for text in (b"one", b"two"):
        sender.publish(case.topic(), text, qos=2, pid=3)
        receiver.receive(text, qos=2)
