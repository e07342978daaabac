# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.11.3-1", "MQTT-3.11.3-2")
def unknown_filter_is_told(case):
    """An UNSUBSCRIBE of known and unknown filters gets 0x00 and 0x11 in their order."""
    client = case.client()
    client.subscribe(case.topic("a"))
    answer = client.unsubscribe(case.topic("never"), case.topic("a"), case.topic("nor"))
    equal(answer.reasons, [0x11, 0x00, 0x11], "UNSUBACK reason codes")
