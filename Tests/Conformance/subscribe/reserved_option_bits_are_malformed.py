# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.8.3-5")
def reserved_option_bits_are_malformed(case):
    """A SUBSCRIBE with reserved option bits set ends the connection."""
    for options in (0x40, 0x80):
        client = case.client()
        client.send(mqtt.subscribe(5, 1, [(case.topic(), options)]))
        client.expect_end(reasons=[0x81, 0x82])
