# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both


@both("MQTT-3.3.1-5", "MQTT-3.3.1-9", "MQTT3-3.3.1-8")
def new_subscriber_gets_the_retained_message(case):
    """A new subscriber gets the retained message, with the RETAIN flag."""
    stored(case)
    client = case.client()
    client.subscribe(case.topic())
    client.receive("kept", retain=True, topic=case.topic(), dup=False)
