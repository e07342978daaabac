# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.8.4-4")
def subscribing_again_brings_it_again(case):
    """A SUBSCRIBE to the same filter brings the retained message again."""
    stored(case)
    client = case.client()
    for _ in range(2):
        client.subscribe(case.topic())
        client.receive("kept", retain=True)
