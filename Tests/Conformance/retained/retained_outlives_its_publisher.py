# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-5", "MQTT3-3.1.2-7")
def retained_outlives_its_publisher(case):
    """A retained message stays when its publisher's session ends."""
    stored(case).disconnect()
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True)
