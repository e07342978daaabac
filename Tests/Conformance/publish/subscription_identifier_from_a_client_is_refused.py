# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.4-6")
def subscription_identifier_from_a_client_is_refused(case):
    """A PUBLISH of a client with a subscription identifier is a protocol error."""
    client = case.client()
    client.send(mqtt.publish(5, case.topic(), b"x", props={"subscription_id": 3}))
    client.expect_end(reasons=[0x82, 0x81])
