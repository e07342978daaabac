# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.4.0-1")
def no_redelivery_on_a_living_connection(case):
    """On a connection that lives nothing is sent again, however long the PUBACK takes."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    sender.publish(case.topic(), b"one", qos=1)
    receiver.expect(mqtt.PUBLISH, payload=b"one")
    case.fence(receiver, sender)
