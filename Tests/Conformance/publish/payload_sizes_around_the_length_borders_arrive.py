# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import both


@both("MQTT-1.5.5-1")
def payload_sizes_around_the_length_borders_arrive(case):
    """Packets around 127, 16383 and 65535 bytes arrive unchanged."""
    receiver, sender = pair(case)
    overhead = 2 + len(case.topic())
    for border in (127, 128, 16383, 16384, 65535):
        for delta in (-2, -1, 0, 1):
            payload = b"x" * (border + delta - overhead)
            sender.publish(case.topic(), payload)
            receiver.receive(payload)
