# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import behaviour


@behaviour("MQTT-3.1.2-1", versions=(3,))
def mqtt_3_1_name_with_3_1_1_level_is_refused(case):
    """The protocol name MQIsdp with level 4 is refused."""
    client = case.dial(version=4)
    client.send(mqtt.connect(4, client.client_id, name="MQIsdp"))
    client.expect_end()
