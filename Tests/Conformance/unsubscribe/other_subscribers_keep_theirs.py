# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.10.4-2")
def other_subscribers_keep_theirs(case):
    """An UNSUBSCRIBE does not touch the same filter of another client."""
    first, second, sender = case.client("first"), case.client("second"), case.client("sender")
    for one in (first, second):
        one.subscribe(case.topic())
    first.unsubscribe(case.topic())
    sender.publish(case.topic(), b"for second")
    second.receive("for second")
    case.fence(first, sender)
