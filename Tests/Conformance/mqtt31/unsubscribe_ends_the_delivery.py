# SPDX-License-Identifier: Apache-2.0
from Conformance.mqtt31.parts import pair
from Support.suite import v3


@v3()
def unsubscribe_ends_the_delivery(case):
    """After the UNSUBACK no message of the filter comes."""
    receiver, sender = pair(case, qos=0)
    receiver.unsubscribe(case.topic())
    sender.publish(case.topic(), b"late")
    case.fence(receiver, sender)
