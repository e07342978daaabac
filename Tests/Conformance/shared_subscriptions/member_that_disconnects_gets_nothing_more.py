# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5


@v5()
def member_that_disconnects_gets_nothing_more(case):
    """After the end of a member's session the others get all messages."""
    (stays, leaves), sender = members(case, 2), case.client("sender")
    leaves.disconnect()
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    for number in range(10):
        stays.receive(str(number))
