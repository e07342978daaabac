# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import both


@both("MQTT-3.3.2-3")
def other_topics_are_not_delivered(case):
    """A subscriber gets nothing of topics that it did not subscribe to."""
    receiver, sender = pair(case)
    sender.publish(case.topic("other"), b"no")
    case.fence(receiver, sender)
