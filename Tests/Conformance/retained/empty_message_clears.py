# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-6", "MQTT-3.3.1-7")
def empty_message_clears(case):
    """A retained message without payload clears what was kept, and is not kept itself."""
    stored(case)
    sender = stored(case, b"")
    client = case.client()
    client.subscribe(case.topic())
    case.fence(client, sender)
