# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both()
def burst_of_small_packets(case):
    """Five thousand small messages in one write arrive in their order."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic())
    sender.send(b"".join(mqtt.publish(case.version, case.topic(), b"%d" % i) for i in range(5000)))
    for number in range(5000):
        equal(receiver.take(mqtt.PUBLISH).payload, b"%d" % number, "payload")
