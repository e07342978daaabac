# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import drain, members
from Support import mqtt
from Support.suite import check, v5
from Support.wait import equal, until


@v5()
def unacknowledged_messages_go_to_another_member(case):
    """The QoS 1 messages that a member has not acknowledged when its session ends go to another member, not as DUP."""
    (first, second), sender = members(case, 2, qos=1), case.client("sender")
    for number in range(20):
        sender.publish(case.topic(), str(number).encode(), qos=1)

    def has_its_share():
        first.ping()
        return len([p for p in first.inbox if p.type == mqtt.PUBLISH]) >= 10
    until(has_its_share, "a member has its half of the messages")
    kept = [p.payload for p in first.inbox if p.type == mqtt.PUBLISH]
    first.inbox.clear()
    first.disconnect()
    again = []

    def arrived():
        second.ping()
        for message in [p for p in second.inbox if p.type == mqtt.PUBLISH]:
            second.inbox.remove(message)
            check(not message.dup, f"{message!r} has the DUP flag")
            again.append(message.payload)
            second.acknowledge(message)
        return len(again) >= 20
    until(arrived, "the other member has all messages")
    equal([p for p in again if p in kept], kept, "order of the messages that came again")
    equal(sorted(map(int, again)), list(range(20)), "payloads")
    equal(drain([second], 0), [[]], "more messages")
