# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import drain, members
from Support.suite import check, v5
from Support.wait import equal


@v5()
def each_message_goes_to_one_member(case):
    """Of the members of a group exactly one gets each message, and all messages arrive."""
    group, sender = members(case, 3), case.client("sender")
    for number in range(60):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    seen = drain(group, 60)
    equal(sorted(int(p) for part in seen for p in part), list(range(60)), "payloads")
    check(all(seen), f"a member got nothing: {[len(s) for s in seen]}")
