# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-5")
def newer_message_replaces_the_older(case):
    """Of several retained messages of one topic only the last is kept."""
    for text in (b"one", b"two", b"three"):
        stored(case, text)
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic())
    client.receive("three", retain=True)
    case.fence(client, sender)
