# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both


@both("MQTT-3.1.2-5")
def subscriptions_are_kept(case):
    """The subscriptions of a kept session need not be made again."""
    client = keeping(case)
    client.subscribe(case.topic("a/#"), qos=1)
    client.disconnect()
    client = keeping(case)
    case.client("sender").publish(case.topic("a/b"), b"still", qos=1)
    client.receive("still", qos=1)
