# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import behaviour


@behaviour("MQTT-2.2.1-6", "MQTT-3.10.4-4", "MQTT-3.10.4-5", versions=(3, 4, 5))
def unsuback_has_the_packet_identifier(case):
    """An UNSUBSCRIBE is answered by an UNSUBACK with its packet identifier."""
    client = case.client()
    client.subscribe(case.topic())
    client.send(mqtt.unsubscribe(case.version, 4242, [case.topic()]))
    client.expect(mqtt.UNSUBACK, pid=4242, reasons=[0] if case.version == 5 else [])
