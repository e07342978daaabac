# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5


@v5()
def two_groups_get_a_copy_each(case):
    """Two groups with the same filter get a copy each."""
    groups = members(case, 1, "g") + members(case, 1, "h")
    case.client("sender").publish(case.topic(), b"both")
    for one in groups:
        one.receive("both")
