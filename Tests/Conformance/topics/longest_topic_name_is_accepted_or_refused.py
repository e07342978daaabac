# SPDX-License-Identifier: Apache-2.0
from Support.client import Closed
from Support.suite import both


@both("MQTT-4.7.3-3")
def longest_topic_name_is_accepted_or_refused(case):
    """A topic name of 65,535 bytes is delivered, or refused as a whole."""
    receiver, sender = case.client("receiver"), case.client("sender")
    topic = case.topic("l" * (65535 - len(case.topic(""))))
    receiver.subscribe(case.topic("+"))
    try:
        sender.publish(topic, b"x", qos=1)
        receiver.receive("x", topic=topic)
    except Closed:
        case.fence(receiver)
