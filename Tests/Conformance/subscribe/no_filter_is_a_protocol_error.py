# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.8.3-2")
def no_filter_is_a_protocol_error(case):
    """A SUBSCRIBE without any filter ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(case.version, 1, []))
    client.expect_end(reasons=[0x82, 0x81])
