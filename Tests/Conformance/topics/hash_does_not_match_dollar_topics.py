# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both("MQTT-4.7.2-1")
def hash_does_not_match_dollar_topics(case):
    """A filter that begins with # or + does not match topics that begin with $."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe("#")
    receiver.subscribe(f"+/case{case.number}/x")
    sender.publish(f"$dollar/case{case.number}/x", b"hidden")
    sender.publish(f"plain/case{case.number}/end", b"end")
    while True:
        message = receiver.take(mqtt.PUBLISH)
        check(not message.topic.startswith("$"), f"got {message.topic}")
        if message.topic == f"plain/case{case.number}/end":
            return
