# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2")
def receive_maximum_of_the_client_is_kept(case):
    """The broker sends no more unacknowledged messages than the client's Receive Maximum."""
    receiver = case.client("receiver", props={"receive_maximum": 2})
    receiver.subscribe(case.topic(), qos=1)
    sender = case.client("sender")
    for number in range(6):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    waiting = [receiver.expect(mqtt.PUBLISH) for _ in range(2)]
    case.fence(receiver, sender)
    for number in range(2, 6):
        receiver.acknowledge(waiting.pop(0))
        waiting.append(receiver.expect(mqtt.PUBLISH, payload=str(number).encode()))
