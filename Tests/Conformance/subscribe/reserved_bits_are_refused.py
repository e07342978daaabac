# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v4


@v4("MQTT3-3.8.3-4")
def reserved_bits_are_refused(case):
    """A SUBSCRIBE of 3.1.1 with bits beside the QoS ends the connection."""
    client = case.client()
    client.send(mqtt.subscribe(4, 1, [(case.topic(), 0x04)]))
    client.expect_end()
