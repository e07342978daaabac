# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.13.1-1")
def expiry_after_none_is_a_protocol_error(case):
    """A Session Expiry Interval in DISCONNECT after none in CONNECT is a protocol error."""
    client = case.client()
    client.send(mqtt.disconnect(5, 0, {"session_expiry": 10}))
    client.expect_end(reasons=[0x82])
