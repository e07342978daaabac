# SPDX-License-Identifier: Apache-2.0
from Conformance.qos1.parts import keeping
from Support import mqtt
from Support.suite import both


@both("MQTT-4.4.0-1")
def only_the_unacknowledged_come_again(case):
    """Of several deliveries only those without PUBACK come again."""
    receiver, sender = keeping(case), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for text in (b"a", b"b", b"c"):
        sender.publish(case.topic(), text, qos=1)
    found = [receiver.expect(mqtt.PUBLISH) for _ in range(3)]
    receiver.send(mqtt.ack(case.version, mqtt.PUBACK, found[1].pid))
    receiver.ping()
    receiver.close()
    receiver = keeping(case)
    receiver.receive("a", dup=True)
    receiver.receive("c", dup=True)
    case.fence(receiver, sender)
