# SPDX-License-Identifier: Apache-2.0
from Conformance.qos1.parts import keeping
from Support import mqtt
from Support.suite import both


@both("MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.4.0-1")
def unacknowledged_delivery_comes_again(case):
    """A delivery without PUBACK comes again on the next connection, with DUP and the same packet identifier."""
    receiver = keeping(case)
    receiver.subscribe(case.topic(), qos=1)
    case.client("sender").publish(case.topic(), b"again", qos=1)
    first = receiver.expect(mqtt.PUBLISH, payload=b"again", dup=False)
    receiver.close()
    receiver = keeping(case)
    receiver.receive("again", dup=True, pid=first.pid, topic=case.topic())
