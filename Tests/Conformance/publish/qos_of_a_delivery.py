# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import both


def qos_case(published, subscribed):
    def delivered(case):
        receiver, sender = pair(case, qos=subscribed)
        sender.publish(case.topic(), b"q", qos=published)
        receiver.receive("q", qos=min(published, subscribed), dup=False)
    delivered.__name__ = f"published_{published}_subscribed_{subscribed}"
    lower = min(published, subscribed)
    delivered.__doc__ = f"QoS {published} to a subscriber of QoS {subscribed} comes at QoS {lower}."
    return delivered


for published in range(3):
    for subscribed in range(3):
        both("MQTT-3.8.4-8", "MQTT-4.3.1-1", "MQTT-4.3.2-2", "MQTT-4.3.3-2")(qos_case(published, subscribed))
