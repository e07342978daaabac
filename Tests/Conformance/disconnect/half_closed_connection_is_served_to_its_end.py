# SPDX-License-Identifier: Apache-2.0
import socket

from Support import mqtt
from Support.suite import both


@both()
def half_closed_connection_is_served_to_its_end(case):
    """A client that has sent its last byte and waits is still given the acknowledgement, or closed."""
    watcher, client = case.client("watcher"), case.client()
    watcher.subscribe(case.topic())
    client.send(mqtt.publish(case.version, case.topic(), b"last"))
    client.socket.shutdown(socket.SHUT_WR)
    watcher.receive("last")
    client.expect_end()
