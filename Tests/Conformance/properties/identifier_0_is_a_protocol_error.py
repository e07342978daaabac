# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-4.13.1-1")
def identifier_0_is_a_protocol_error(case):
    """Subscription Identifier 0 is a protocol error."""
    client = case.client()
    client.send(mqtt.subscribe(5, 1, [(case.topic(), 0)], {"subscription_id": 0}))
    client.expect_end(reasons=[0x82, 0x81])
