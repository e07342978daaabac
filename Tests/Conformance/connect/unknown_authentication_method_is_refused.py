# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.12.0-1", "MQTT-4.13.2-1")
def unknown_authentication_method_is_refused(case):
    """A CONNECT with an authentication method that nobody knows is refused with 0x8C."""
    client = case.dial()
    client.send(mqtt.connect(5, client.client_id, props={"auth_method": "NOBODY-KNOWS"}))
    client.expect_end(reasons=[0x8C])
