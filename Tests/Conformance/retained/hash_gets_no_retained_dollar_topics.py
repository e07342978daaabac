# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both("MQTT-4.7.2-1")
def hash_gets_no_retained_dollar_topics(case):
    """A subscription to # or + brings no retained message of a topic that begins with $."""
    client = case.client()
    client.subscribe("+/+/+/+/+")
    client.subscribe("+/case" + str(case.number))
    client.publish(f"end/case{case.number}", b"end")
    while True:
        message = client.take(mqtt.PUBLISH)
        check(not message.topic.startswith("$"), f"got {message.topic}")
        if message.payload == b"end":
            return
