# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import behaviour


@behaviour("MQTT-2.2.1-6", "MQTT-3.8.4-1", "MQTT-3.8.4-2", versions=(3, 4, 5))
def suback_has_the_packet_identifier(case):
    """A SUBSCRIBE is answered by a SUBACK with its packet identifier."""
    client = case.client()
    for pid in (1, 77, 65535):
        client.send(mqtt.subscribe(case.version, pid, [(case.topic(), 0)]))
        client.expect(mqtt.SUBACK, pid=pid, reasons=[0])
