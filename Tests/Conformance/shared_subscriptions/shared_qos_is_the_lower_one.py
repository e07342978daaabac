# SPDX-License-Identifier: Apache-2.0
from Conformance.shared_subscriptions.parts import members
from Support.suite import v5


@v5("MQTT-4.8.2-3")
def shared_qos_is_the_lower_one(case):
    """A shared delivery comes at the lower of the published and the subscribed QoS."""
    member, = members(case, 1, qos=1)
    sender = case.client("sender")
    for qos, expected in ((0, 0), (1, 1), (2, 1)):
        sender.publish(case.topic(), b"x", qos=qos)
        member.receive("x", qos=expected)
