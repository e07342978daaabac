# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.10.4-3")
def deliveries_under_way_are_completed(case):
    """A QoS 2 delivery that has begun is completed after the UNSUBSCRIBE."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic(), qos=2)
    sender.publish(case.topic(), b"begun", qos=2)
    message = client.expect(mqtt.PUBLISH, payload=b"begun", qos=2)
    client.unsubscribe(case.topic())
    client.acknowledge(message)
