# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both


@both("MQTT-3.10.4-2")
def unsubscribed_filter_stays_away(case):
    """A filter that was unsubscribed does not come back with the session."""
    client, sender = keeping(case), case.client("sender")
    client.subscribe(case.topic(), qos=1)
    client.unsubscribe(case.topic())
    client.disconnect()
    sender.publish(case.topic(), b"no", qos=1)
    case.fence(keeping(case), sender)
