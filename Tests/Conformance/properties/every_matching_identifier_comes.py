# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.4-4", "MQTT-3.3.4-5")
def every_matching_identifier_comes(case):
    """A message that matches several subscriptions carries all their identifiers, together or one by one."""
    receiver, sender = case.client("receiver"), case.client("sender")
    for identifier, name in ((1, "a/#"), (2, "a/+"), (3, "a/b"), (4, "other")):
        receiver.subscribe(case.topic(name), props={"subscription_id": identifier})
    sender.publish(case.topic("a/b"), b"x")
    sender.publish(case.topic("other"), b"end")
    seen = []
    while True:
        message = receiver.take(mqtt.PUBLISH)
        if message.payload == b"end":
            break
        seen += message.properties.get("subscription_id", [])
    equal(sorted(seen), [1, 2, 3], "subscription identifiers")
