# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import both


@both()
def empty_payload_is_a_message(case):
    """A PUBLISH without payload is delivered."""
    receiver, sender = pair(case)
    sender.publish(case.topic())
    receiver.receive(b"")
