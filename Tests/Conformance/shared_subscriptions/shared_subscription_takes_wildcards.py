# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5


@v5()
def shared_subscription_takes_wildcards(case):
    """A shared subscription may have wildcards."""
    member, = members(case, 1, filter_="+/x/#")
    case.client("sender").publish(case.topic("a/x/y"), b"wild")
    member.receive("wild", topic=case.topic("a/x/y"))
