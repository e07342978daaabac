# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import drain, members
from Support.suite import v5
from Support.wait import equal


@v5()
def plain_subscribers_get_theirs(case):
    """A plain subscriber gets every message, beside the group."""
    group, plain, sender = members(case, 2), case.client("plain"), case.client("sender")
    plain.subscribe(case.topic())
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    for number in range(10):
        plain.receive(str(number))
    equal(sum(map(len, drain(group, 10))), 10, "messages to the group")
