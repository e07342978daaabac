# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.4-3")
def identifier_comes_with_retained_messages(case):
    """A retained message carries the identifier of the subscription that brought it."""
    receiver, sender = case.client("receiver"), case.client("sender")
    sender.publish(case.topic(), b"kept", qos=1, retain=True)
    receiver.subscribe(case.topic(), props={"subscription_id": 9})
    equal(receiver.receive("kept", retain=True).properties, {"subscription_id": [9]}, "properties")
