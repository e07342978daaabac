# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import v5


@v5()
def versions_5_0_to_3_1_1(case):
    """An MQTT 5.0 message with properties reaches an MQTT 3.1.1 subscriber without them."""
    receiver, sender = pair(case, receiver_version=4)
    sender.publish(case.topic(), b"new to old", props={"content_type": "text/plain", "user_property": ("a", "b")})
    receiver.receive("new to old")
