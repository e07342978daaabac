# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-4.8.2-2")
def prefix_behind_a_prefix_is_refused(case):
    """What follows $share/GROUP/ is a filter as it stands without it, so no other $share/: 0x8F, and others are granted."""
    client = case.client()
    answer = client.subscribe("$share/g/$share/h/t", case.topic(), granted=False)
    equal(answer.reasons, [0x8F if case.version == 5 else 0x80, 0], "SUBACK")
    client.publish(case.topic(), b"x")
    client.receive("x")
