# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def thousand_subscriptions_of_one_client(case):
    """A client with a thousand subscriptions gets the message of each."""
    client, sender = case.client(), case.client("sender")
    for start in range(0, 1000, 100):
        client.subscribe(*[case.topic(f"s/{i}/+") for i in range(start, start + 100)])
    for number in (0, 499, 999):
        sender.publish(case.topic(f"s/{number}/x"), b"x")
        client.receive("x", topic=case.topic(f"s/{number}/x"))
