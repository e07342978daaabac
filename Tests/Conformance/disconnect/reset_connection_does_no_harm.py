# SPDX-License-Identifier: Apache-2.0
import socket
import struct

from Support.suite import both


@both()
def reset_connection_does_no_harm(case):
    """A connection that is reset while messages are on their way to it does not disturb others."""
    other, sender = case.client("other"), case.client("sender")
    other.subscribe(case.topic())
    for number in range(5):
        doomed = case.client(f"doomed{number}")
        doomed.subscribe(case.topic())
        doomed.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sender.publish(case.topic(), str(number).encode())
        doomed.close()
        other.receive(str(number))
