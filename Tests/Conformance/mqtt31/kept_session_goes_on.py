# SPDX-License-Identifier: Apache-2.0
from Conformance.mqtt31.parts import pair
from Support.suite import v3


@v3()
def kept_session_goes_on(case):
    """Without CleanSession subscriptions are kept, and messages of QoS 1 and 2 wait for the client."""
    receiver, sender = pair(case, qos=2, clean=False)
    receiver.disconnect()
    for qos in (1, 2):
        sender.publish(case.topic(), f"at {qos}".encode(), qos=qos)
    receiver = case.client("receiver", clean=False)
    for qos in (1, 2):
        receiver.receive(f"at {qos}", qos=qos)
