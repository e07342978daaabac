# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def every_subscriber_gets_a_copy(case):
    """Ten subscribers of one topic get the message once each."""
    receivers = [case.client(f"r{i}") for i in range(10)]
    for one in receivers:
        one.subscribe(case.topic())
    sender = case.client("sender")
    sender.publish(case.topic(), b"all")
    for one in receivers:
        one.receive("all")
        case.fence(one, sender)
