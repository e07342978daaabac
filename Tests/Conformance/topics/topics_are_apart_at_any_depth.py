# SPDX-License-Identifier: Apache-2.0
from Support.suite import both
from Support.wait import equal


@both()
def topics_are_apart_at_any_depth(case):
    """A hundred subscriptions of growing depth get their own message each."""
    receiver, sender = case.client("receiver"), case.client("sender")
    topics = [case.topic("/".join(["d"] * (i + 1))) for i in range(100)]
    receiver.subscribe(*topics)
    for number, topic in enumerate(topics):
        sender.publish(topic, str(number).encode())
    equal([receiver.receive().payload for _ in topics], [str(i).encode() for i in range(100)], "payloads")
