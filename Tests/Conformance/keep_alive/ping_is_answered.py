# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import behaviour


@behaviour("MQTT-3.12.4-1", versions=(3, 4, 5))
def ping_is_answered(case):
    """A PINGREQ is answered with a PINGRESP."""
    client = case.client()
    for _ in range(3):
        client.send(mqtt.pingreq())
        client.expect(mqtt.PINGRESP)
