# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import v5


@v5()
def versions_5_0_to_3_1(case):
    """An MQTT 5.0 message reaches an MQTT 3.1 subscriber."""
    receiver, sender = pair(case, receiver_version=3)
    sender.publish(case.topic(), b"new to oldest")
    receiver.receive("new to oldest")
