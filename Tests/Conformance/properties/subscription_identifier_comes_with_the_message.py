# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import pair
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.4-3")
def subscription_identifier_comes_with_the_message(case):
    """A message carries the identifier of the subscription that it matched."""
    receiver, sender = pair(case, props={"subscription_id": 268435455})
    sender.publish(case.topic(), b"x")
    equal(receiver.receive("x").properties, {"subscription_id": [268435455]}, "properties")
