# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import Skip, v5


@v5("MQTT-3.3.4-7")
def receive_maximum_of_the_broker_is_enforced(case):
    """A client that exceeds the broker's Receive Maximum is disconnected with 0x93."""
    client = case.client()
    maximum = client.connack.properties.get("receive_maximum", 65535)
    if maximum == 65535:
        raise Skip("this broker announces no Receive Maximum")
    for pid in range(1, maximum + 2):
        client.send(mqtt.publish(5, case.topic(), b"x", 2, pid=pid))
    for pid in range(1, maximum + 1):
        client.expect(mqtt.PUBREC, pid=pid)
    client.expect_end(reasons=[0x93])
