# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def slow_reader_does_not_stop_the_others(case):
    """A subscriber that does not read does not keep messages from one that does."""
    slow, quick, sender = case.client("slow"), case.client("quick"), case.client("sender")
    for one in (slow, quick):
        one.subscribe(case.topic())
    payload = b"z" * 50_000
    for number in range(200):
        sender.publish(case.topic(), str(number).encode() + payload)
        quick.receive(str(number).encode() + payload)
