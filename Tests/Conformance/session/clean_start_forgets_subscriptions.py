# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both


@both("MQTT-3.1.2-4", "MQTT-3.1.4-4")
def clean_start_forgets_subscriptions(case):
    """A clean start forgets the subscriptions of the session before."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    client, sender = case.client(), case.client("sender")
    sender.publish(case.topic(), b"old", qos=1)
    case.fence(client, sender)
