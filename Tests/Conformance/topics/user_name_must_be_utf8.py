# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-1.5.4-1", "MQTT-3.1.3-12")
def user_name_must_be_utf8(case):
    """A user name that is not UTF-8 ends the connection."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, username=b"a\xc3"))
    client.expect_end()
