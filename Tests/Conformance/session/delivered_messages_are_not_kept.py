# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both


@both()
def delivered_messages_are_not_kept(case):
    """What was acknowledged does not wait for the next connection."""
    client, sender = keeping(case), case.client("sender")
    client.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"seen", qos=1)
    client.receive("seen")
    client.disconnect()
    case.fence(keeping(case), sender)
