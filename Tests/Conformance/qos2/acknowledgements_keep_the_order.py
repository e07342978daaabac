# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.6.0-3")
def acknowledgements_keep_the_order(case):
    """PUBRECs come in the order of the PUBLISH packets."""
    client = case.client()
    for pid in (5, 3, 9, 1):
        client.send(mqtt.publish(case.version, case.topic(), b"x", 2, pid=pid))
    for pid in (5, 3, 9, 1):
        client.expect(mqtt.PUBREC, pid=pid)
