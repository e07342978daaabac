# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-17", "MQTT-3.1.2-19")
def announced_credentials_have_to_come(case):
    """A CONNECT whose flags announce a user name or password that is not there ends the connection."""
    for fields, flags in (({}, 0x82), ({"username": "u"}, 0xC2)):
        client = case.dial()
        client.send(mqtt.connect(case.version, client.client_id, flags=flags, **fields))
        client.expect_end(reasons=[0x81, 0x82])
