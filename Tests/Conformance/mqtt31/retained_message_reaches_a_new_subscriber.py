# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def retained_message_reaches_a_new_subscriber(case):
    """A retained message comes to a new subscriber with the flag, and an empty one clears it."""
    sender = case.client("sender")
    sender.publish(case.topic(), b"kept", qos=1, retain=True)
    first = case.client("first")
    first.subscribe(case.topic())
    first.receive("kept", retain=True)
    sender.publish(case.topic(), b"", qos=1, retain=True)
    first.receive("", retain=False)
    late = case.client("late")
    late.subscribe(case.topic())
    case.fence(late, sender)
