# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import check, v5


@v5("MQTT-4.12.0-6")
def no_authentication_without_a_method(case):
    """A client without authentication method gets no AUTH, and no method in the CONNACK."""
    client = case.client(username="somebody", password=b"secret")
    check("auth_method" not in client.connack.properties, f"{client.connack!r}")
    client.send(mqtt.pingreq())
    client.expect(mqtt.PINGRESP)
