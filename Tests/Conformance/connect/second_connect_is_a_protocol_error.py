# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.0-2", "MQTT-3.2.0-2", "MQTT-4.13.2-1")
def second_connect_is_a_protocol_error(case):
    """A second CONNECT on one connection ends it as a protocol error."""
    client = case.client()
    client.send(mqtt.connect(case.version, client.client_id))
    client.expect_end(reasons=[0x82])
