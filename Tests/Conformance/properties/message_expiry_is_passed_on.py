# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import pair
from Support.suite import check, v5


@v5("MQTT-3.3.2-6")
def message_expiry_is_passed_on(case):
    """The Message Expiry Interval reaches the subscribers, less the time that has passed."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"x", props={"message_expiry": 500})
    check(490 < receiver.receive("x").properties.get("message_expiry", 0) <= 500, "another expiry")
