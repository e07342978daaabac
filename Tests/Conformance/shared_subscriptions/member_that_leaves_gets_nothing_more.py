# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5
from Support.wait import equal


@v5()
def member_that_leaves_gets_nothing_more(case):
    """After an UNSUBSCRIBE of a member the others get all messages."""
    (stays, leaves), sender = members(case, 2), case.client("sender")
    equal(leaves.unsubscribe(f"$share/g/{case.topic()}").reasons, [0], "UNSUBACK reason codes")
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    for number in range(10):
        stays.receive(str(number))
    case.fence(leaves, sender)
