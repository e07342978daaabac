# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import RH1, stored
from Support.suite import v5


@v5("MQTT-3.3.1-10")
def retain_handling_1_sends_to_new_subscriptions(case):
    """Retain Handling 1 sends retained messages only if the subscription is new."""
    sender = stored(case)
    client = case.client()
    client.subscribe(case.topic(), options=RH1)
    client.receive("kept", retain=True)
    client.subscribe(case.topic(), options=RH1)
    case.fence(client, sender)
    client.unsubscribe(case.topic())
    client.subscribe(case.topic(), options=RH1)
    client.receive("kept", retain=True)
