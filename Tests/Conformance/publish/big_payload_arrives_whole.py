# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import both
from Support.wait import equal


@both()
def big_payload_arrives_whole(case):
    """A payload of 700 KB arrives unchanged."""
    receiver, sender = pair(case)
    payload = bytes(i * 7 & 0xFF for i in range(1000)) * 700
    sender.publish(case.topic(), payload)
    equal(receiver.next().payload == payload, True, "the payload is the same")
