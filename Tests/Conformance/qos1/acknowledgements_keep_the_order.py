# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.6.0-2")
def acknowledgements_keep_the_order(case):
    """PUBACKs come in the order of the PUBLISH packets."""
    client = case.client()
    for pid in (5, 3, 9, 1):
        client.send(mqtt.publish(case.version, case.topic(), b"x", 1, pid=pid))
    for pid in (5, 3, 9, 1):
        client.expect(mqtt.PUBACK, pid=pid)
