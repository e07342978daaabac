# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import check


@both("MQTT-4.13.1-1")
def acknowledgement_of_another_kind_is_a_protocol_error(case):
    """PUBREC or PUBCOMP for a QoS 1 message, PUBACK or an early PUBCOMP for a QoS 2 message end the connection."""
    for index, (qos, kind) in enumerate([(1, mqtt.PUBREC), (1, mqtt.PUBCOMP), (2, mqtt.PUBACK), (2, mqtt.PUBCOMP)]):
        receiver, sender = case.client(f"r{index}"), case.client(f"s{index}")
        receiver.subscribe(case.topic(), qos=qos)
        sender.publish(case.topic(), b"x", qos=qos)
        message = receiver.expect(mqtt.PUBLISH, qos=qos)
        check(message.pid > 0, f"{message!r}")
        receiver.send(mqtt.ack(case.version, kind, message.pid))
        receiver.expect_end(reasons=[0x82])
        sender.ping()
