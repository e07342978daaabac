# SPDX-License-Identifier: Apache-2.0
from Conformance.mqtt31.parts import pair
from Support.suite import v3


@v3()
def clean_session_forgets(case):
    """With CleanSession nothing of the session before is left."""
    receiver, sender = pair(case, qos=1, clean=False)
    receiver.disconnect()
    sender.publish(case.topic(), b"waits in vain", qos=1)
    case.fence(case.client("receiver"), sender)
    case.client("receiver", clean=False)
