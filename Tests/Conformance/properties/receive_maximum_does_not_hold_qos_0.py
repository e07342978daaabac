# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.9.0-3")
def receive_maximum_does_not_hold_qos_0(case):
    """Messages of QoS 0 come although the Receive Maximum is used up."""
    receiver = case.client("receiver", props={"receive_maximum": 1})
    receiver.subscribe(case.topic(), qos=1)
    sender = case.client("sender")
    sender.publish(case.topic(), b"one", qos=1)
    receiver.expect(mqtt.PUBLISH, payload=b"one")
    sender.publish(case.topic(), b"zero")
    receiver.receive("zero", qos=0)
