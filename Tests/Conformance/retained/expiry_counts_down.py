# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import check, v5


@v5("MQTT-3.3.2-6")
def expiry_counts_down(case):
    """A retained message is sent with the rest of its expiry interval."""
    stored(case, props={"message_expiry": 1000})
    client = case.client()
    client.subscribe(case.topic())
    left = client.receive("kept").properties.get("message_expiry", 0)
    check(900 < left <= 1000, f"Message Expiry Interval {left}")
