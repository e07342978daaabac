# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-3", "MQTT3-3.1.4-1")
def reserved_connect_flag_is_malformed(case):
    """A CONNECT with the reserved flag set ends the connection."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, flags=0x03))
    client.expect_end(reasons=[0x81, 0x82])
