# SPDX-License-Identifier: Apache-2.0
from Conformance.qos1.parts import keeping
from Support import mqtt
from Support.suite import both


@both("MQTT-4.6.0-1")
def redelivery_keeps_the_order(case):
    """Several deliveries without PUBACK come again in their order."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    texts = [f"m{i}".encode() for i in range(8)]
    for text in texts:
        sender.publish(case.topic(), text, qos=1)
    for text in texts:
        receiver.expect(mqtt.PUBLISH, payload=text)
    receiver.close()
    receiver = keeping(case)
    for text in texts:
        receiver.receive(text, dup=True)
