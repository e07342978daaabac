# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-16", "MQTT-3.1.2-18")
def credentials_without_their_flag_are_malformed(case):
    """A CONNECT with a user name or password that no flag announces ends the connection."""
    for fields, flags in (({"username": "u"}, 0x02), ({"username": "u", "password": b"p"}, 0x82)):
        client = case.dial()
        client.send(mqtt.connect(case.version, client.client_id, flags=flags, **fields))
        client.expect_end(reasons=[0x81, 0x82])
