# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-8")
def plain_message_leaves_the_retained_one(case):
    """A message without RETAIN neither replaces nor clears what is kept."""
    sender = stored(case)
    sender.publish(case.topic(), b"plain", qos=1)
    sender.publish(case.topic(), b"", qos=1)
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True)
    case.fence(client, sender)
