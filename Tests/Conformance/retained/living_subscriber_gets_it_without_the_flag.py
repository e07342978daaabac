# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-12")
def living_subscriber_gets_it_without_the_flag(case):
    """A subscriber that was there before gets the message without the RETAIN flag."""
    client = case.client()
    client.subscribe(case.topic())
    stored(case)
    client.receive("kept", retain=False)
