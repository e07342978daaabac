# SPDX-License-Identifier: Apache-2.0
import time

from Support.suite import both


@both("MQTT-3.1.2-22")
def pings_keep_the_connection(case):
    """A client that sends PINGREQ in time is not disconnected."""
    client = case.client(keepalive=1)
    start = time.monotonic()
    while time.monotonic() - start < 3:
        client.ping()
        case.context.pause(0.4)
    client.ping()
