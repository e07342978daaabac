# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def properties_do_not_reach_it(case):
    """A message of MQTT 5.0 with properties comes without them."""
    receiver, sender = case.client("receiver"), case.client("sender", version=5)
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"x", qos=1, props={"content_type": "text/plain", "user_property": ("a", "b")})
    receiver.receive("x", topic=case.topic(), qos=1)
