# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import pair
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.8.4-3")
def identifier_is_replaced_with_its_subscription(case):
    """A new SUBSCRIBE to a filter replaces its identifier, or takes it away."""
    receiver, sender = pair(case, props={"subscription_id": 5})
    for props, expected in (({"subscription_id": 6}, {"subscription_id": [6]}), (None, {})):
        receiver.subscribe(case.topic(), props=props)
        sender.publish(case.topic(), b"x")
        equal(receiver.receive("x").properties, expected, "properties")
