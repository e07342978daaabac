# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-1.5.4-1", "MQTT-3.1.3-4")
def client_id_must_be_utf8(case):
    """A client identifier that is not UTF-8 ends the connection."""
    client = case.dial(client_id=b"a\xff")
    client.send(mqtt.connect(case.version, b"a\xff"))
    client.expect_end()
