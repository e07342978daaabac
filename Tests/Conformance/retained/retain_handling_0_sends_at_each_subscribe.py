# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import v5


@v5("MQTT-3.3.1-9")
def retain_handling_0_sends_at_each_subscribe(case):
    """Retain Handling 0 sends retained messages at every SUBSCRIBE."""
    stored(case)
    client = case.client()
    for _ in range(2):
        client.subscribe(case.topic(), options=0)
        client.receive("kept", retain=True)
