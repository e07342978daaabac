# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.8.3-4")
def no_local_on_a_shared_subscription_is_a_protocol_error(case):
    """No Local on a shared subscription is a protocol error."""
    client = case.client()
    client.send(mqtt.subscribe(5, 1, [(f"$share/g/{case.topic()}", 0x04)]))
    client.expect_end(reasons=[0x82])
