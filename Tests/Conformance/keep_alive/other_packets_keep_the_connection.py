# SPDX-License-Identifier: Apache-2.0
import time

from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.2-22")
def other_packets_keep_the_connection(case):
    """Any packet of the client counts as a sign of life."""
    client = case.client(keepalive=1)
    start = time.monotonic()
    while time.monotonic() - start < 3:
        client.send(mqtt.publish(case.version, case.topic(), b"alive"))
        case.context.pause(0.4)
    client.ping()
