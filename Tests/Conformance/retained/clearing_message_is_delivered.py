# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-6")
def clearing_message_is_delivered(case):
    """The message that clears reaches those who subscribe at that time."""
    stored(case)
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True)
    stored(case, b"")
    client.receive(b"", retain=False)
