# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.10.4-1")
def filters_are_compared_letter_by_letter(case):
    """Only the very same filter is removed, not one that matches the same topics."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic("a/+"))
    client.unsubscribe(case.topic("a/b"))
    client.unsubscribe(case.topic("a/#"))
    sender.publish(case.topic("a/b"), b"still")
    client.receive("still")
