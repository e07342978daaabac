# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.8.4-3")
def same_filter_replaces_the_subscription(case):
    """A second SUBSCRIBE to the same filter replaces the first, its QoS included."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic(), qos=0)
    client.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"once", qos=1)
    client.receive("once", qos=1)
    case.fence(client, sender)
