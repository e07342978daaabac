# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.10.4-6")
def several_filters_at_once(case):
    """An UNSUBSCRIBE of several filters removes each of them."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic("a"), case.topic("b"), case.topic("c"))
    client.unsubscribe(case.topic("a"), case.topic("c"))
    for name in "abc":
        sender.publish(case.topic(name), name.encode())
    client.receive("b")
    case.fence(client, sender)
