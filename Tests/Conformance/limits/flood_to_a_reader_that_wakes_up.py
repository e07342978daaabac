# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both()
def flood_to_a_reader_that_wakes_up(case):
    """A QoS 1 subscriber that pauses in reading gets everything after the pause, in order."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for number in range(400):
        sender.publish(case.topic(), b"%d " % number + b"p" * 2000, qos=1)
    for number in range(400):
        message = receiver.take(mqtt.PUBLISH)
        equal(message.payload.split()[0], b"%d" % number, "payload")
        receiver.acknowledge(message)
