# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-4.5.0-1", "MQTT3-3.1.2-5")
def messages_are_kept_for_an_absent_client(case):
    """QoS 1 and 2 messages for an absent client wait for it, in their order."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=2)
    client.disconnect()
    sender = case.client("sender")
    for number in range(20):
        sender.publish(case.topic(), str(number).encode(), qos=1 + number % 2)
    client = keeping(case)
    for number in range(20):
        message = client.take(mqtt.PUBLISH)
        equal((message.payload, message.qos, message.dup), (str(number).encode(), 1 + number % 2, False), "delivery")
        client.acknowledge(message)
    case.fence(client, sender)
