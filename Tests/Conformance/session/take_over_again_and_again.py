# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.1.4-3", "MQTT-4.1.0-1")
def take_over_again_and_again(case):
    """Twenty take-overs one after the other leave one connection and one session."""
    clients = [keeping(case)]
    clients[0].subscribe(case.topic(), qos=1)
    for _ in range(20):
        clients.append(keeping(case))
        clients[-2].expect_end()
        equal(clients[-1].connack.session_present, True, "Session Present")
    sender = case.client("sender")
    sender.publish(case.topic(), b"one", qos=1)
    clients[-1].receive("one")
    case.fence(clients[-1], sender)
