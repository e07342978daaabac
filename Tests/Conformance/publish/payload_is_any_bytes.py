# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import both


@both()
def payload_is_any_bytes(case):
    """A payload of all 256 byte values arrives unchanged."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), bytes(range(256)))
    receiver.receive(bytes(range(256)))
