# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.12.0-7")
def auth_without_a_method_is_refused(case):
    """An AUTH of a client whose CONNECT named no authentication method is a protocol error."""
    for reason in (0x18, 0x19):
        client = case.client()
        client.send(mqtt.packet(mqtt.AUTH, 0, bytes([reason]) + mqtt.properties({"auth_method": "m"})))
        client.expect_end(reasons=[0x82])
