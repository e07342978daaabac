# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import NO_LOCAL
from Support.suite import v5


@v5("MQTT-3.8.3-3")
def no_local_keeps_own_messages_away(case):
    """With No Local a client does not get what it published itself; others do."""
    client, other = case.client(), case.client("other")
    client.subscribe(case.topic(), options=NO_LOCAL)
    other.subscribe(case.topic())
    client.publish(case.topic(), b"mine", qos=1)
    other.receive("mine")
    other.publish(case.topic(), b"yours")
    client.receive("yours")
