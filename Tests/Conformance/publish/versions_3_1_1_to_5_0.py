# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import behaviour
from Support.wait import equal


@behaviour(versions=(4,))
def versions_3_1_1_to_5_0(case):
    """An MQTT 3.1.1 message reaches an MQTT 5.0 subscriber."""
    receiver, sender = pair(case, receiver_version=5)
    sender.publish(case.topic(), b"old to new")
    equal(receiver.receive("old to new").properties, {}, "properties")
