# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5


@v5("MQTT-3.8.4-4")
def no_retained_messages_to_a_group(case):
    """A shared subscription brings no retained messages."""
    sender = case.client("sender")
    sender.publish(case.topic(), b"kept", qos=1, retain=True)
    member, = members(case, 1)
    case.fence(member, sender)
