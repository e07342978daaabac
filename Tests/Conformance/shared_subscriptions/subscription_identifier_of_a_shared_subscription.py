# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5
from Support.wait import equal


@v5()
def subscription_identifier_of_a_shared_subscription(case):
    """A message to a member carries the identifier of the shared subscription."""
    member = case.client()
    member.subscribe(f"$share/g/{case.topic()}", props={"subscription_id": 12})
    case.client("sender").publish(case.topic(), b"x")
    equal(member.receive("x").properties, {"subscription_id": [12]}, "properties")
