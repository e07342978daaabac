# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both()
def sender_and_receiver_identifiers_are_apart(case):
    """The packet identifiers of the two directions do not disturb each other."""
    client = case.client()
    client.subscribe(case.topic(), qos=1)
    for pid in range(1, 9):
        client.send(mqtt.publish(case.version, case.topic(), str(pid), 1, pid=pid))
        client.take(mqtt.PUBACK, pid=pid)
    for pid in range(1, 9):
        message = client.take(mqtt.PUBLISH)
        equal(message.payload, str(pid).encode(), "payload")
        client.acknowledge(message)
