# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.4-9")
def receive_maximum_counts_qos_2_to_its_end(case):
    """A delivery at QoS 2 counts against the Receive Maximum until its PUBCOMP."""
    receiver = case.client("receiver", props={"receive_maximum": 1})
    receiver.subscribe(case.topic(), qos=2)
    sender = case.client("sender")
    for text in (b"one", b"two"):
        sender.publish(case.topic(), text, qos=2)
    message = receiver.expect(mqtt.PUBLISH, payload=b"one")
    receiver.send(mqtt.ack(5, mqtt.PUBREC, message.pid))
    receiver.expect(mqtt.PUBREL, pid=message.pid)
    case.fence(receiver, sender)
    receiver.send(mqtt.ack(5, mqtt.PUBCOMP, message.pid))
    receiver.receive("two")
