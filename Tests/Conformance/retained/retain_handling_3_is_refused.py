# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.13.1-1")
def retain_handling_3_is_refused(case):
    """Retain Handling 3 ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(5, 1, [(case.topic(), 0x30)]))
    client.expect_end(reasons=[0x81, 0x82])
