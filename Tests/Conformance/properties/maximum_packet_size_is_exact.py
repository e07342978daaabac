# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5("MQTT-3.1.2-24")
def maximum_packet_size_is_exact(case):
    """A message of exactly the client's Maximum Packet Size is sent, one byte more is not."""
    size = 4 + len(case.topic()) + 1 + 50
    receiver = case.client("receiver", props={"maximum_packet_size": size})
    receiver.subscribe(case.topic())
    sender = case.client("sender")
    sender.publish(case.topic(), b"y" * 51)
    sender.publish(case.topic(), b"x" * 50)
    receiver.receive(b"x" * 50)
