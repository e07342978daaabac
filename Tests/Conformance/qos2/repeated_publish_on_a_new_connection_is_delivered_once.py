# SPDX-License-Identifier: Apache-2.0
from Conformance.qos2.parts import keeping
from Support import mqtt
from Support.suite import both


@both("MQTT-4.3.3-10")
def repeated_publish_on_a_new_connection_is_delivered_once(case):
    """A PUBLISH repeated on the next connection of the session is delivered once."""
    receiver = case.client("watcher")
    receiver.subscribe(case.topic(), qos=2)
    sender = keeping(case, "sender")
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.close()
    sender = keeping(case, "sender")
    sender.send(mqtt.publish(case.version, case.topic(), b"once", 2, dup=True, pid=7))
    sender.expect(mqtt.PUBREC, pid=7)
    sender.send(mqtt.ack(case.version, mqtt.PUBREL, 7))
    sender.expect(mqtt.PUBCOMP, pid=7)
    receiver.receive("once", qos=2)
    case.fence(receiver, sender)
