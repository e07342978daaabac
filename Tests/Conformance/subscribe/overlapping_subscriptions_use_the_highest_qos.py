# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both("MQTT-3.3.4-2")
def overlapping_subscriptions_use_the_highest_qos(case):
    """A message that matches several filters of a client comes at least once at the highest of their QoS."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic("a/#"), qos=1)
    client.subscribe(case.topic("a/+"), qos=2)
    client.subscribe(case.topic("a/b"), qos=0)
    sender.publish(case.topic("a/b"), b"x", qos=2)
    sender.publish(case.topic("a/end"), b"end", qos=0)
    seen = []
    while not seen or seen[-1][0] != b"end":
        message = client.take(mqtt.PUBLISH)
        seen.append((message.payload, message.qos))
        client.acknowledge(message)
    check((b"x", 2) in seen, f"never at QoS 2: {seen!r}")
