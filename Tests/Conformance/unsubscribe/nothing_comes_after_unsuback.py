# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.10.4-2")
def nothing_comes_after_unsuback(case):
    """After the UNSUBACK no further message of that filter comes."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic())
    sender.publish(case.topic(), b"before")
    client.receive("before")
    client.unsubscribe(case.topic())
    sender.publish(case.topic(), b"after")
    case.fence(client, sender)
