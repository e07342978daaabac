# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v4, v5


def half_a_publish(case):
    """A client with a QoS 2 message that it has not released, and somebody who got that message."""
    witness, client = case.client("witness"), case.client()
    witness.subscribe(case.topic())
    client.send(mqtt.publish(case.version, case.topic(), b"first", qos=2, pid=7))
    client.expect(mqtt.PUBREC, pid=7)
    witness.receive("first")
    return client, witness


@v5("MQTT-2.2.1-3")
def identifier_in_use_is_refused(case):
    """A QoS 1 PUBLISH with the identifier of an unreleased QoS 2 one is answered 0x91 and goes nowhere."""
    client, witness = half_a_publish(case)
    client.send(mqtt.publish(5, case.topic(), b"second", qos=1, pid=7))
    client.expect(mqtt.PUBACK, pid=7, reason=0x91)
    client.send(mqtt.ack(5, mqtt.PUBREL, 7))
    client.expect(mqtt.PUBCOMP, pid=7, reason=0)
    client.send(mqtt.publish(5, case.topic(), b"third", qos=1, pid=7))
    client.expect(mqtt.PUBACK, pid=7, reason=0)
    witness.receive("third")


@v4("MQTT3-4.3.2-2")
def identifier_is_new_after_its_puback(case):
    """A QoS 1 PUBLISH with the identifier of an unreleased QoS 2 one is accepted, and what comes with it next is new."""
    client, witness = half_a_publish(case)
    client.send(mqtt.publish(4, case.topic(), b"second", qos=1, pid=7))
    client.expect(mqtt.PUBACK, pid=7)
    client.send(mqtt.publish(4, case.topic(), b"third", qos=2, pid=7))
    client.expect(mqtt.PUBREC, pid=7)
    witness.receive("second")
    witness.receive("third")
