# SPDX-License-Identifier: Apache-2.0
from Conformance.mqtt31.parts import pair
from Support.suite import v3


@v3()
def publish_and_delivery_of_each_qos(case):
    """Messages of QoS 0, 1 and 2 are acknowledged and delivered at the lower of both QoS."""
    for subscribed in range(3):
        receiver, sender = pair(case, subscribed)
        for published in range(3):
            text = f"{published} to {subscribed}"
            sender.publish(case.topic(), text.encode(), qos=published)
            receiver.receive(text, qos=min(published, subscribed), dup=False, retain=False)
