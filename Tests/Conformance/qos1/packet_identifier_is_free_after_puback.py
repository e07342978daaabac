# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-4.3.2-5")
def packet_identifier_is_free_after_puback(case):
    """After its PUBACK a packet identifier can be used for a new message."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for text in (b"one", b"two", b"three"):
        sender.publish(case.topic(), text, qos=1, pid=1)
        receiver.receive(text, qos=1)
